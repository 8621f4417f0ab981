// Package command is the command line of step-ca: serving (the default), check,
// dev, version, and those of the reference that need something this project does
// not have, which say so. A file a command, as in package cli. What a command
// does is package server's and package config's business.
package command
