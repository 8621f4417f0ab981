package pki

import (
	"path"
	"path/filepath"
)

// paths are where the parts of a new CA are: files, and keys by their names in
// a KMS.
type paths struct {
	in func(elem ...string) string // below the directory of the authority

	root, intermediate       string
	rootKey, intermediateKey string // files, or names in the KMS
	sshHostKey, sshUserKey   string // likewise
	sshHostPub, sshUserPub   string
	config, defaults         string
	database                 string
}

func pathsOf(o *Options) paths {
	p := pathsBelow(o.Path.Dir(), filepath.Join)
	if o.KMS != nil {
		p.rootKey, p.intermediateKey = o.KMS.Root, o.KMS.Intermediate
		p.sshHostKey, p.sshUserKey = o.KMS.SSHHost, o.KMS.SSHUser
	}
	return p
}

// helmPaths are those in the container that the Helm chart runs.
func helmPaths() paths { return pathsBelow("/home/step", path.Join) }

func pathsBelow(dir string, join func(...string) string) paths {
	in := func(elem ...string) string { return join(append([]string{dir}, elem...)...) }
	return paths{
		in:              in,
		root:            in("certs", "root_ca.crt"),
		intermediate:    in("certs", "intermediate_ca.crt"),
		rootKey:         in("secrets", "root_ca_key"),
		intermediateKey: in("secrets", "intermediate_ca_key"),
		sshHostKey:      in("secrets", "ssh_host_ca_key"),
		sshUserKey:      in("secrets", "ssh_user_ca_key"),
		sshHostPub:      in("certs", "ssh_host_ca_key.pub"),
		sshUserPub:      in("certs", "ssh_user_ca_key.pub"),
		config:          in("config", "ca.json"),
		defaults:        in("config", "defaults.json"),
		database:        in("db"),
	}
}
