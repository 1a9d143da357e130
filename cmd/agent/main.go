// Command agent is nightshift: the agent itself, and what people do with it from a
// shell. It holds flags, signals and exit statuses; all else is in the packages
// that it calls.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(program()) }

// program runs the command that the arguments name and returns its exit status.
func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &cli{in: os.Stdin, out: &output{w: os.Stdout}, err: os.Stderr, now: time.Now}
	return c.run(ctx, os.Args[1:])
}
