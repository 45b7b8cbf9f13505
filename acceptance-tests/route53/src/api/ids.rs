//! Ids in the shape of the service's.

use uuid::Uuid;

/// `Z` and 20 capital letters and digits.
pub(crate) fn zone() -> String {
    format!("Z{}", capitals(20))
}

/// `C` and 20 capital letters and digits.
pub(crate) fn change() -> String {
    format!("C{}", capitals(20))
}

/// A UUID in lower case.
pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

fn capitals(length: usize) -> String {
    let mut rest = Uuid::new_v4().as_u128();
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        text.extend(char::from_digit(digit, 36).map(|digit| digit.to_ascii_uppercase()));
        rest /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_fit_the_schema() {
        let id = super::zone();
        assert_eq!(id.len(), 21);
        assert!(
            id.starts_with('Z') && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        );
        assert_ne!(super::change(), super::change());
    }
}
