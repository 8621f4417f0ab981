package provisioner

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"sort"
	"strings"

	"stepca/jsonobject"
)

// Sizes of a page of the list.
const (
	DefaultPage = 20
	MaxPage     = 100
)

// uidDigits is the length of a uid.
const uidDigits = 40

// uid returns the place of a provisioner in the list: its index, so that the
// order is that of configuration, and a hash of its ID, so that a cursor into
// another configuration does not hit by chance.
func uid(index int, id string) string {
	sum := sha1.Sum([]byte(id)) // an identifier for old clients, nothing secret
	place := binary.BigEndian.AppendUint32(nil, uint32(index))
	return hex.EncodeToString(append(place, sum[len(sum)-16:]...))
}

// List returns a page of the public list of provisioners, from which secrets are
// left out, and the cursor of the next page, "" after the last. A limit of 0 or
// less means DefaultPage, and MaxPage is the highest. An empty cursor, and one
// that no page began with, begin where they sort.
func (c *Collection) List(cursor string, limit int) (page []json.RawMessage, next string) {
	switch {
	case limit <= 0:
		limit = DefaultPage
	case limit > MaxPage:
		limit = MaxPage
	}
	if missing := uidDigits - len(cursor); missing > 0 {
		cursor = strings.Repeat("0", missing) + cursor
	}
	first := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].uid >= cursor })
	for i, e := range c.entries[first:] {
		if i == limit {
			return page, strings.TrimLeft(e.uid, "0")
		}
		page = append(page, e.public)
	}
	return page, ""
}

// publicJSON returns what the list shows of a provisioner: its configuration
// without secrets and without members that we do not know, and the reason why it
// is not initialized if it is not.
func publicJSON(p Provisioner, reason error) (json.RawMessage, error) {
	out, err := withoutUnknown(p)
	if err != nil {
		return nil, err
	}
	members, err := jsonobject.Parse(out)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		if m.Name != "options" {
			continue
		}
		if members[i].Value, err = publicOptions(m.Value); err != nil {
			return nil, err
		}
	}
	if reason != nil {
		text, err := json.Marshal(reason.Error())
		if err != nil {
			return nil, err
		}
		members = append(members,
			jsonobject.Member{Name: "state", Value: json.RawMessage(`"Uninitialized"`)},
			jsonobject.Member{Name: "stateReason", Value: text})
	}
	return members.MarshalJSON()
}

// withoutUnknown returns the JSON of a provisioner without members unknown to us.
func withoutUnknown(p Provisioner) (json.RawMessage, error) {
	switch p := p.(type) {
	case *JWK:
		type plain JWK
		return json.Marshal((*plain)(p))
	case *ACME:
		type plain ACME
		return json.Marshal((*plain)(p))
	case *SSHPOP:
		type plain SSHPOP
		return json.Marshal((*plain)(p))
	case *Unsupported:
		return p.public()
	}
	return p.MarshalJSON()
}

// publicOptions returns options without the secrets of webhooks.
func publicOptions(raw json.RawMessage) (json.RawMessage, error) {
	var options Options
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, err
	}
	for i := range options.Webhooks {
		w := &options.Webhooks[i]
		w.Secret, w.BearerToken, w.BasicAuth = "", "", nil
	}
	return json.Marshal(options)
}
