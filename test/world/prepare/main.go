// Prepare makes what worlds are built from, ahead of the tests and where its
// progress can be seen: Debian's packages that this host lacks, the root, and
// the peers. What is there already is left alone.
//
//	go run ./test/world/prepare
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"nightshift/test/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := world.Prepare(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
