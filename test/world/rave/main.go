// Rave stands in for those parts of a RAVE site that Debian has no package
// for. It is one program that does what it is called as:
//
//	grafana             dashboards, which need their database
//	webhook-dispatcher  accepts GitLab's webhooks
//	gitlab              sends them, steadily
//	meminfo             shows the site's memory and processors as its machine's
//	report              needs some memory for a moment, when it is asked
//	resolver            answers for the names that the site asks for
//
// They can be broken on request, on addresses of the loopback interface that
// the site's proxy does not serve, and in ways that a restart cures.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	roles := map[string]func(context.Context) error{
		"grafana":            grafana,
		"webhook-dispatcher": dispatcher,
		"gitlab":             gitlab,
		"meminfo":            meminfo,
		"report":             report,
		"report-job":         reportJob,
		"resolver":           resolver,
	}
	name := filepath.Base(os.Args[0])
	role, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "cannot be %q: call this program as one of the roles of its documentation\n", name)
		os.Exit(2)
	}
	if err := role(ctx); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// serve answers on several addresses, tells systemd once all of them listen,
// and stops when ctx ends.
func serve(ctx context.Context, handlers map[string]http.Handler) error {
	group, ctx := errgroup.WithContext(ctx)
	for address, handler := range handlers {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("cannot listen: %w", err)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	if err := ready(); err != nil {
		return err
	}
	return group.Wait()
}

// ready tells systemd that this unit has started.
func ready() error {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		return fmt.Errorf("cannot tell systemd: %w", err)
	}
	return nil
}
