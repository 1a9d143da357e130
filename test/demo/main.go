// Demo lets a person watch the agent at work on real components: it breaks a RAVE
// site three times as sites break in life, and by a bad update the virtual machine in
// which another one runs, prints what happens, and checks that each was repaired as it
// should be.
//
//	make demo                  # time divided by a factor that it prints
//	make demo INTERACTIVE=1    # a person approves the rollback, at another terminal
//	make demo REAL=1           # every duration as it ships
//	make demo KEEP=1           # leaves it all running at the end
//
// The exit status is 0 only if all four were repaired by the right rungs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for the first
	err := run(ctx, options{
		Factor: factor(), Keep: os.Getenv("KEEP") != "", Interactive: os.Getenv("INTERACTIVE") != "",
		Out: os.Stdout, Log: os.Stderr, Colour: showsColour(os.Stdout),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(status(err))
	}
}

// status is the exit status of an error: that of an interrupted program is 128 and
// the number of SIGINT, as shells have it.
func status(err error) int {
	if errors.Is(err, errStopped) {
		return 128 + int(syscall.SIGINT)
	}
	return 1
}

// defaultFactor has the whole take about three minutes, and still leaves a busy
// machine of two cores the time for a scrape between two of them.
const defaultFactor = 10

func factor() int {
	if os.Getenv("REAL") != "" {
		return 1
	}
	return defaultFactor
}

// showsColour is whether colours can be seen there, and are wanted: no-color.org.
func showsColour(file *os.File) bool {
	return isatty.IsTerminal(file.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
