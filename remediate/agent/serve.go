package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"nightshift/alerts/webhook"
)

// listen binds the address of webhooks and metrics, so that it is known before
// anything is answered.
func (a *Agent) listen() error {
	l, err := net.Listen("tcp", a.settings.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on NIGHTSHIFT_LISTEN=%s: %w", a.settings.Listen, err)
	}
	a.listener = l
	a.teardown.add("listener", func(context.Context) error { return ignoreClosed(l.Close()) })
	return nil
}

// startServing answers webhooks, and whatever else is asked over HTTP.
func (a *Agent) startServing() error {
	hook, err := webhook.New(webhook.Options{
		Store: alertStore{a.journal}, Mine: func(alert alert) bool { return a.file().Scope.Mine(alert) },
		TokenFile: a.settings.WebhookTokenFile, Metrics: a.counts, Log: a.log, Hooks: hooks(),
	})
	if err != nil {
		return err
	}
	a.teardown.add("webhook", hook.Close)
	conns := webhook.NewConns(webhook.MaxConns)
	server := webhook.NewServer(a.routes(hook, a.registry), conns, a.log)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := serve(conns.Listener(a.listener), server, a.settings.WebConfig, a); err != nil {
			a.fail(fmt.Errorf("cannot serve on %s: %w", a.Addr(), err))
		}
	}()
	a.teardown.add("server", func(ctx context.Context) error {
		return errors.Join(shutdown(ctx, server), await(ctx, ended))
	})
	return nil
}

// shutdown lets answers under way end, for half of the time there is.
func shutdown(ctx context.Context, server *http.Server) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		return server.Close()
	}
	return nil
}
