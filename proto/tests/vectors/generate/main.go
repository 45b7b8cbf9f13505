// Command generate writes ../cty.json: values, their types, and the bytes that
// go-cty, the value library of the hosts, makes of them. The codec's test reads it.
//
// Run it in this directory after changing the table: go run .
package main

import (
	"encoding/hex"
	"encoding/json"
	"log"
	"math/big"
	"os"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// vector is one row of the table.
type vector struct {
	Name    string          `json:"name"`
	Type    json.RawMessage `json:"type"`
	Value   any             `json:"value"`
	Msgpack string          `json:"msgpack"`
	// Refined: the bytes carry more about an unknown value than we keep, so they do not come back.
	Refined bool `json:"refined,omitempty"`
}

type object map[string]any

func number(text string) cty.Value { return cty.MustParseNumberVal(text) }

func rows() []struct {
	name  string
	value cty.Value
	kind  cty.Type
} {
	type row = struct {
		name  string
		value cty.Value
		kind  cty.Type
	}
	str := cty.StringVal
	member := cty.Object(map[string]cty.Type{"weight": cty.Number, "labels": cty.Map(cty.String)})
	return []row{
		{"null string", cty.NullVal(cty.String), cty.String},
		{"unknown string", cty.UnknownVal(cty.String), cty.String},
		{"unknown that is not null", cty.UnknownVal(cty.String).RefineNotNull(), cty.String},
		{"unknown with a prefix", cty.UnknownVal(cty.String).Refine().StringPrefix("https://").NewValue(), cty.String},
		{"unknown within bounds", cty.UnknownVal(cty.Number).Refine().NumberRangeLowerBound(cty.Zero, true).NewValue(), cty.Number},
		{"unknown list of a length", cty.UnknownVal(cty.List(cty.String)).Refine().CollectionLength(3).NewValue(), cty.List(cty.String)},
		{"empty string", str(""), cty.String},
		{"string", str("guestbook ünï 日本"), cty.String},
		{"string of 40 bytes", str("0123456789012345678901234567890123456789"), cty.String},
		{"string of 300 bytes", str(string(make([]byte, 300))), cty.String},
		{"true", cty.True, cty.Bool},
		{"false", cty.False, cty.Bool},
		{"zero", cty.Zero, cty.Number},
		{"127", number("127"), cty.Number},
		{"128", number("128"), cty.Number},
		{"256", number("256"), cty.Number},
		{"-1", number("-1"), cty.Number},
		{"-33", number("-33"), cty.Number},
		{"-129", number("-129"), cty.Number},
		{"70000", number("70000"), cty.Number},
		{"-70000", number("-70000"), cty.Number},
		{"largest int64", number("9223372036854775807"), cty.Number},
		{"smallest int64", number("-9223372036854775808"), cty.Number},
		{"above int64", number("9223372036854775808"), cty.Number},
		{"largest uint64", number("18446744073709551615"), cty.Number},
		{"above uint64", number("18446744073709551617"), cty.Number},
		{"half", number("0.5"), cty.Number},
		{"minus a quarter", number("-0.25"), cty.Number},
		{"a tenth", number("0.1"), cty.Number},
		{"a tenth as a float", cty.NumberFloatVal(0.1), cty.Number},
		{"a tenth as an exact float", cty.NumberVal(big.NewFloat(0.1)), cty.Number},
		{"thirty digits", number("123456789012345678901234567890"), cty.Number},
		{"many decimals", number("3.14159265358979323846264338327950288"), cty.Number},
		{"1e100", number("1e100"), cty.Number},
		{"1e-7", number("1e-7"), cty.Number},
		{"2 to the 70", number("1180591620717411303424"), cty.Number},
		{"empty list", cty.ListValEmpty(cty.String), cty.List(cty.String)},
		{"list", cty.ListVal([]cty.Value{str("b"), str("a"), cty.NullVal(cty.String), cty.UnknownVal(cty.String)}), cty.List(cty.String)},
		{"null list", cty.NullVal(cty.List(cty.Bool)), cty.List(cty.Bool)},
		{"unknown list", cty.UnknownVal(cty.List(cty.Bool)), cty.List(cty.Bool)},
		{"list of 20", cty.ListVal(repeat(cty.True, 20)), cty.List(cty.Bool)},
		{"set", cty.SetVal([]cty.Value{number("3"), number("1"), number("0.1")}), cty.Set(cty.Number)},
		{"empty set", cty.SetValEmpty(cty.Number), cty.Set(cty.Number)},
		{"map", cty.MapVal(map[string]cty.Value{"z": number("1"), "a": number("2"), "ü": cty.NullVal(cty.Number)}), cty.Map(cty.Number)},
		{"empty map", cty.MapValEmpty(cty.Number), cty.Map(cty.Number)},
		{"tuple", cty.TupleVal([]cty.Value{cty.True, str("x"), number("1.5")}), cty.Tuple([]cty.Type{cty.Bool, cty.String, cty.Number})},
		{"empty tuple", cty.EmptyTupleVal, cty.EmptyTuple},
		{"empty object", cty.EmptyObjectVal, cty.EmptyObject},
		{"object", cty.ObjectVal(map[string]cty.Value{
			"weight": number("0.1"),
			"labels": cty.MapVal(map[string]cty.Value{"tier": str("edge")}),
		}), member},
		{"map of objects with unknown leaves", cty.MapVal(map[string]cty.Value{
			"aws":   cty.ObjectVal(map[string]cty.Value{"weight": cty.UnknownVal(cty.Number), "labels": cty.NullVal(cty.Map(cty.String))}),
			"azure": cty.ObjectVal(map[string]cty.Value{"weight": number("7"), "labels": cty.UnknownVal(cty.Map(cty.String))}),
		}), cty.Map(member)},
		{"set of objects", cty.SetVal([]cty.Value{
			cty.ObjectVal(map[string]cty.Value{"weight": number("2"), "labels": cty.NullVal(cty.Map(cty.String))}),
			cty.ObjectVal(map[string]cty.Value{"weight": number("1"), "labels": cty.NullVal(cty.Map(cty.String))}),
		}), cty.Set(member)},
		{"dynamic string", str("x"), cty.DynamicPseudoType},
		{"dynamic null", cty.NullVal(cty.DynamicPseudoType), cty.DynamicPseudoType},
		{"dynamic null of a type", cty.NullVal(cty.String), cty.DynamicPseudoType},
		{"dynamic unknown", cty.DynamicVal, cty.DynamicPseudoType},
		{"dynamic object", cty.ObjectVal(map[string]cty.Value{"a": cty.ListVal([]cty.Value{number("0.1")}), "b": cty.True}), cty.DynamicPseudoType},
		{"object with a dynamic attribute", cty.ObjectVal(map[string]cty.Value{"patch": cty.TupleVal([]cty.Value{str("x"), number("1")})}),
			cty.Object(map[string]cty.Type{"patch": cty.DynamicPseudoType})},
	}
}

func repeat(value cty.Value, count int) []cty.Value {
	values := make([]cty.Value, count)
	for i := range values {
		values[i] = value
	}
	return values
}

// describe writes a value as tagged JSON that the test reads without knowing msgpack.
func describe(value cty.Value, kind cty.Type) any {
	if kind == cty.DynamicPseudoType && value.Type() != cty.DynamicPseudoType {
		return object{"dynamic": []any{json.RawMessage(typeJSON(value.Type())), describe(value, value.Type())}}
	}
	switch {
	case !value.IsKnown():
		return object{"unknown": true}
	case value.IsNull():
		return object{"null": true}
	}
	actual := value.Type()
	switch {
	case actual == cty.Bool:
		return object{"bool": value.True()}
	case actual == cty.String:
		return object{"string": value.AsString()}
	case actual == cty.Number:
		return object{"number": value.AsBigFloat().Text('f', -1)}
	case actual.IsListType() || actual.IsSetType() || actual.IsTupleType():
		elements := []any{}
		for it := value.ElementIterator(); it.Next(); {
			index, element := it.Element()
			elementKind := element.Type()
			if kind.IsTupleType() {
				position, _ := index.AsBigFloat().Int64()
				elementKind = kind.TupleElementType(int(position))
			}
			elements = append(elements, describe(element, elementKind))
		}
		return object{"list": elements}
	default:
		entries := object{}
		for it := value.ElementIterator(); it.Next(); {
			key, element := it.Element()
			elementKind := element.Type()
			if kind.IsObjectType() {
				elementKind = kind.AttributeType(key.AsString())
			}
			entries[key.AsString()] = describe(element, elementKind)
		}
		return object{"map": entries}
	}
}

func typeJSON(kind cty.Type) []byte {
	bytes, err := kind.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

func main() {
	vectors := []vector{}
	for _, row := range rows() {
		bytes, err := msgpack.Marshal(row.value, row.kind)
		if err != nil {
			log.Fatalf("%s: %v", row.name, err)
		}
		refined := !row.value.IsKnown() && len(bytes) != 3
		vectors = append(vectors, vector{row.name, typeJSON(row.kind), describe(row.value, row.kind), hex.EncodeToString(bytes), refined})
	}
	file, err := os.Create("../cty.json")
	if err != nil {
		log.Fatal(err)
	}
	encoder := json.NewEncoder(file)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(vectors); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
