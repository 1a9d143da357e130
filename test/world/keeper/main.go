// Keeper holds one world of package nightshift/test/world: it mounts the
// world's root, starts systemd in namespaces of its own, and takes everything
// down again when the process that asked for the world goes away, however it
// goes: its end of the control pipe closes with it.
//
// It is called by package world only, in one of these forms:
//
//	keeper hold  DIR LOWER NAME     mount and boot the world in DIR
//	keeper boot  DIR ROOT HOSTNAME  (by hold) the first process of the namespaces
//	keeper enter DIR PID USER WD -- PROGRAM ARG...  run a program inside
//	keeper sweep DIR                remove what a killed keeper left in DIR
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// exitBroken is the status of a keeper that could not do its own part, far
// from the small statuses of the programs that enter runs.
const exitBroken = 125

func main() {
	// Namespaces belong to threads, and so does the parent-death signal:
	// everything here happens on the one thread that lives as long as we do.
	runtime.LockOSThread()
	err := run(os.Args[1:])
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(exitBroken)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "hold":
		return hold(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "boot":
		return boot(args[1], args[2], args[3])
	case len(args) > 6 && args[0] == "enter" && args[5] == "--":
		return enter(args[1], args[2], args[3], args[4], args[6:])
	case len(args) == 2 && args[0] == "sweep":
		return sweep(args[1])
	}
	return fmt.Errorf("cannot understand %q: see the program's documentation", args)
}
