// Where the lab takes definitions of kinds from. Nothing of it is built: only files are read.
module multicluster.test/lab/tools/crds

go 1.26.0

require (
	istio.io/api v1.31.1
	sigs.k8s.io/gateway-api v1.6.1
)
