package apiserver_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestSSHSignOfOtherClients sends bodies as several clients write them: with null
// or an empty text where they have nothing to say, and with members of their own.
func TestSSHSignOfOtherClients(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	_, pub := sshKeys(t)
	key := `"` + base64.StdEncoding.EncodeToString(pub.Marshal()) + `"`
	for name, body := range map[string]string{
		"all of the reference's": `{"publicKey":KEY,"ott":"TOKEN","certType":"user","keyID":"joe","principals":["joe"],"validAfter":"","validBefore":"",` +
			`"addUserPublicKey":null,"keyID":"joe","identityCSR":null,"templateData":null}`,
		"empty texts":         `{"publicKey":KEY,"ott":"TOKEN","certType":"","keyID":"","principals":[],"addUserPublicKey":"","identityCSR":"","templateData":{}}`,
		"null everywhere":     `{"publicKey":KEY,"ott":"TOKEN","certType":null,"keyID":null,"principals":null,"validAfter":null,"validBefore":null}`,
		"names in other case": `{"PublicKey":KEY,"OTT":"TOKEN"}`,
		"unknown members":     `{"publicKey":KEY,"ott":"TOKEN","certtype":"user","futureMember":{"a":[1]}}`,
		"text after it":       `{"publicKey":KEY,"ott":"TOKEN"} and more`,
		"the last one counts": `{"publicKey":"AAAA","ott":"x","publicKey":KEY,"ott":"TOKEN"}`,
	} {
		text := strings.NewReplacer("KEY", key, "TOKEN", c.SSHToken("joe", nil, nil)).Replace(body)
		resp, err := c.HTTP(nil).Post(c.URL+"/ssh/sign", "application/x-www-form-urlencoded", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, %s", name, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
}
