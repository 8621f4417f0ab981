//go:build !unix

package keyfile

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: a new file inherits the access rules of its directory.
func keepOwner(*os.File, fs.FileInfo) bool { return true }

// syncDir does nothing: a rename is durable when it returns, or cannot be made so.
func syncDir(string) error { return nil }
