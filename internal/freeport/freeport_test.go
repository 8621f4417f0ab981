package freeport

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv("FREEPORT_TEST_FIND")); err == nil {
		find(n)
		return
	}
	os.Exit(m.Run())
}

// find is another process: it takes so many ports, prints them, and has them until
// its input ends.
func find(n int) {
	var line strings.Builder
	for range n {
		port, err := Find()
		if err != nil {
			os.Exit(1)
		}
		line.WriteString(strconv.Itoa(port) + " ")
	}
	os.Stdout.WriteString(line.String() + "\n")
	os.Stdin.Read(make([]byte, 1))
}

// TestPortsOfProcesses: two processes, which give their ports away before anybody
// listens there, never give the same one away.
func TestPortsOfProcesses(t *testing.T) {
	t.Parallel()
	const n = 300 // of the same among 10,000: nine on average, were they drawn blindly
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command(program)
	other.Env = append(os.Environ(), "FREEPORT_TEST_FIND="+strconv.Itoa(n))
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer stdin.Close()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	theirs := make(map[string]bool)
	for _, port := range strings.Fields(line) {
		theirs[port] = true
	}
	if len(theirs) != n {
		t.Fatalf("%d ports of %d are different", len(theirs), n)
	}
	for range n {
		if port := strconv.Itoa(Port(t)); theirs[port] {
			t.Errorf("two processes have port %s", port)
		}
	}
}

func TestAddressIsFree(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", Address(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
