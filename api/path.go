package api

// Paths of the routes. Each is served as it stands and again below Prefix.
const (
	Prefix = "/1.0"

	PathVersion          = "/version"
	PathHealth           = "/health"
	PathReady            = "/ready" // ours: whether the CA can issue
	PathRoot             = "/root/" // followed by the SHA-256 of the certificate in hex
	PathRoots            = "/roots"
	PathRootsPEM         = "/roots.pem"
	PathIntermediates    = "/intermediates"
	PathIntermediatesPEM = "/intermediates.pem"
	PathFederation       = "/federation"
	PathCRL              = "/crl"
	PathProvisioners     = "/provisioners" // also the stem of PathEncryptedKey
	PathSign             = "/sign"
	PathRenew            = "/renew"
	PathRekey            = "/rekey"
	PathRevoke           = "/revoke"
	PathSSHSign          = "/ssh/sign"
	PathSSHRenew         = "/ssh/renew"
	PathSSHRekey         = "/ssh/rekey"
	PathSSHRevoke        = "/ssh/revoke"
	PathSSHRoots         = "/ssh/roots"
	PathSSHFederation    = "/ssh/federation"
	PathSSHConfig        = "/ssh/config"
	PathSSHCheckHost     = "/ssh/check-host"
	PathSSHHosts         = "/ssh/hosts"
	PathSSHBastion       = "/ssh/bastion"
	PathSSHKRL           = "/ssh/krl" // ours: the key revocation list of OpenSSH

	// Old names of three routes.
	PathLegacyRenew    = "/re-sign"
	PathLegacySSHSign  = "/sign-ssh"
	PathLegacySSHHosts = "/ssh/get-hosts"
)

// PathEncryptedKey is the path of the encrypted key of the JWK provisioner with
// the given key ID, which is inserted as it is: the server does not decode
// escapes there.
func PathEncryptedKey(kid string) string { return PathProvisioners + "/" + kid + "/encrypted-key" }

// Names of header fields beyond those of net/http.
const (
	// HeaderRequestID carries the request ID both ways.
	HeaderRequestID = "X-Request-Id"

	// HeaderLegacyRequestID is the older name, read if the other is absent.
	HeaderLegacyRequestID = "X-Smallstep-Id"
)
