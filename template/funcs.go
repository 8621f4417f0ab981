package template

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// sprigFuncs returns sprig's text functions without those that read the server's
// environment, and with bounds on those that could exhaust it. The map is shared
// and must not be changed.
var sprigFuncs = sync.OnceValue(func() template.FuncMap {
	funcs := sprig.TxtFuncMap()
	delete(funcs, "env")
	delete(funcs, "expandenv")
	boundCounts(funcs)
	funcs["getHostByName"] = hostByName
	// Go's own, so that they are bounded like the others.
	funcs["print"] = fmt.Sprint
	funcs["printf"] = boundPrintf
	funcs["println"] = fmt.Sprintln
	for name, f := range funcs {
		funcs[name] = boundResult(name, f)
	}
	return funcs
})

// certificateFuncs adds what templates of both kinds of certificates have.
var certificateFuncs = sync.OnceValue(func() template.FuncMap {
	funcs := merged(sprigFuncs(), timeFuncs())
	funcs["fail"] = func(message string) (string, error) { return "", &FailError{Message: message} }
	return funcs
})

// x509Funcs adds what only X.509 templates have.
var x509Funcs = sync.OnceValue(func() template.FuncMap {
	return merged(certificateFuncs(), asn1Funcs())
})

func merged(maps ...template.FuncMap) template.FuncMap {
	all := template.FuncMap{}
	for _, m := range maps {
		for name, f := range m {
			all[name] = f
		}
	}
	return all
}

// lookupTimeout bounds the name resolution of getHostByName.
const lookupTimeout = 2 * time.Second

// hostByName returns one of the addresses of a host.
func hostByName(name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return "", err
	}
	if len(addrs) == 0 {
		return "", errors.New("host has no address")
	}
	return addrs[rand.IntN(len(addrs))], nil
}
