package world

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Prepare builds everything that any world needs and the cache does not have.
// It says first what it is going to do, and that it needs root. With a cold
// cache it takes 4-6 minutes on two cores; with a warm one a second.
func Prepare(ctx context.Context, log io.Writer) error {
	c, err := openCache()
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "world: as root, with Debian packages %s on this host where missing; everything else goes below %s\n",
		strings.Join(hostPackageNames(), " "), c)
	if err := requireRoot(); err != nil {
		return err
	}
	// The roots wait for packages, the programs for the compiler: side by side.
	var all errgroup.Group
	all.Go(func() error { return prepareRoots(ctx, c, log) })
	all.Go(func() error { return preparePrograms(ctx, c, log) })
	return all.Wait()
}

func prepareRoots(ctx context.Context, c cache, log io.Writer) error {
	for _, root := range []root{siteRoot, vmRoot} {
		if _, err := root.build(ctx, c, log); err != nil {
			return err
		}
	}
	_, err := guestKernel(ctx, c, log)
	return err
}

func preparePrograms(ctx context.Context, c cache, log io.Writer) error {
	for _, name := range []string{"world/keeper", "world/rave", "guest/init"} {
		if _, err := buildOwn(ctx, c, name); err != nil {
			return err
		}
	}
	for _, peer := range []Peer{RecentAlertmanager, RecentAmtool, NATS} {
		if _, err := peer.Install(ctx, log); err != nil {
			return err
		}
	}
	return nil
}
