package ssh

import (
	"cmp"
	"context"
	"crypto"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/cli"
	"stepca/keyfile"
)

// A signing is one run of step ssh certificate.
type signing struct {
	*certificateFlags
	env     *cli.Env
	subject *subject
	hostID  string
	base    string // name of the private key file

	public  ssh.PublicKey
	private crypto.Signer // nil with --sign and without --private-key
	addKey  crypto.Signer // of the certificate that creates the user; may be nil
}

// prepare makes or reads the keys.
func (j *signing) prepare() (err error) {
	if j.sign {
		err = j.load()
	} else {
		err = j.generate()
	}
	if err == nil && j.addUser {
		j.addKey, err = keyfile.Generate(keyfile.KeySpec{})
	}
	return err
}

func (j *signing) load() error {
	data, err := j.env.ReadFile(j.base)
	if err != nil {
		return err
	}
	key, err := parsePublicKey(j.base, data)
	if err != nil {
		return fmt.Errorf("error parsing %s: %w", j.base, err)
	}
	j.public, j.base = key.PublicKey, strings.TrimSuffix(j.base, ".pub")
	if cert, ok := j.public.(*ssh.Certificate); ok {
		j.public = cert.Key
	}
	if j.privateKey == "" {
		return nil
	}
	if j.private, err = keyfile.LoadSigner(j.privateKey, j.password.opens(j.env)); err != nil {
		return cli.FileError(err)
	}
	own, err := ssh.NewPublicKey(j.private.Public())
	if err != nil || string(own.Marshal()) != string(j.public.Marshal()) {
		return fmt.Errorf("the key in %s is not the private key of %s", j.privateKey, j.base+".pub")
	}
	return nil
}

func (j *signing) generate() (err error) {
	if j.private, err = j.key.Generate(j.password.insecure); err != nil {
		return err
	}
	j.public, err = ssh.NewPublicKey(j.private.Public())
	return err
}

// outputs are the names of the files to write.
func (j *signing) outputs() []string {
	names := []string{j.base + "-cert.pub"}
	if !j.sign {
		names = append(names, j.base, j.base+".pub")
	}
	if j.addUser {
		add := j.addUserBase()
		names = append(names, add, add+".pub", add+"-cert.pub")
	}
	return names
}

func (j *signing) addUserBase() string { return j.base + "-provisioner" }

func (j *signing) run(ctx context.Context) error {
	g, err := j.authorize(ctx, j.env, j.subject)
	if err != nil {
		return err
	}
	var files []cli.NewFile
	if !j.sign {
		password, err := j.password.ask(j.env)
		if err != nil {
			return err
		}
		if files, err = keyPairFiles(j.base, j.private, j.public, j.subject.keyID, password); err != nil {
			return err
		}
	}
	var addKey ssh.PublicKey
	if j.addKey != nil {
		if addKey, err = ssh.NewPublicKey(j.addKey.Public()); err != nil {
			return err
		}
	}
	resp, err := j.issuance.sign(ctx, j.env, g, j.subject, j.public, addKey, j.hostID)
	if err != nil {
		return err
	}
	cert := resp.Certificate.Certificate
	files = append(files, certificateFile(j.base, cert, j.subject.keyID))
	if resp.AddUserCertificate != nil && addKey != nil {
		more, err := keyPairFiles(j.addUserBase(), j.addKey, addKey, j.subject.keyID, nil)
		if err != nil {
			return err
		}
		files = append(append(files, more...), certificateFile(j.addUserBase(), resp.AddUserCertificate.Certificate, j.subject.keyID))
	}
	if err := cli.WriteFiles(files...); err != nil {
		return err
	}
	j.report(resp)
	j.toAgent(cert)
	return nil
}

// report tells which files there are now.
func (j *signing) report(resp *api.SSHSignResponse) {
	if !j.sign {
		j.env.Selected("Private Key", j.base)
		j.env.Selected("Public Key", j.base+".pub")
	}
	j.env.Selected("Certificate", j.base+"-cert.pub")
	if resp.AddUserCertificate != nil && j.addKey != nil {
		add := j.addUserBase()
		j.env.Selected("Add User Private Key", add)
		j.env.Selected("Add User Public Key", add+".pub")
		j.env.Selected("Add User Certificate", add+"-cert.pub")
	}
}

// toAgent gives a user certificate to the agent. That there is no agent is not
// an error: the files are written.
func (j *signing) toAgent(cert *ssh.Certificate) {
	if j.noAgent || j.private == nil || cert.CertType != ssh.UserCert {
		return
	}
	a, err := connectAgent(j.env)
	if err == nil {
		defer a.Close()
		err = a.add(j.env, j.private, cert, cmp.Or(j.comment, j.subject.keyID))
	}
	if err != nil {
		failed(j.env, "SSH Agent", err.Error())
		return
	}
	j.env.Selected("SSH Agent", "yes")
}

// failed writes the line "✗ NAME: VALUE": something that did not work and is not
// worth an error.
func failed(env *cli.Env, name, value string) {
	if env.Color {
		env.Noticef("\x1b[31m✗\x1b[0m \x1b[1m%s:\x1b[0m %s", name, value)
		return
	}
	env.Noticef("✗ %s: %s", name, value)
}
