package main

import (
	"context"

	"nightshift/remediate"
	"nightshift/test/site"
)

// act is one thing that goes wrong, and what has to come of it.
type act struct {
	name string
	// breaks says what is done to the site, do does it, and broken says how it
	// is then, when that takes a while.
	breaks string
	do     func(*site.Site, context.Context) error
	broken string
	// alert is what Prometheus has to notice.
	alert string
	// rungs are those that have to be tried, each with its outcome.
	rungs []rung
	// started are the services that have to be started anew, and no others.
	started []string
}

type rung struct {
	name    string
	outcome remediate.Outcome
}

func (r rung) String() string { return r.name + ": " + said(r.outcome) }

var acts = []act{
	{
		name:    "webhook errors",
		breaks:  "the dispatcher's worker hangs: GitLab's webhooks are answered 500",
		do:      func(s *site.Site, ctx context.Context) error { return s.WedgeDispatcher(ctx) },
		alert:   "rave_webhook_errors",
		rungs:   []rung{{"restart the dispatcher", remediate.Fixed}},
		started: []string{"webhook-dispatcher.service"},
	},
	{
		name:   "high memory",
		breaks: "grafana leaks until the site uses 90 % of its 2 GB",
		do:     func(s *site.Site, ctx context.Context) error { return s.LeakGrafana(ctx) },
		broken: "grafana has leaked enough",
		alert:  "rave_high_memory_usage",
		rungs: []rung{
			{"restart prometheus", remediate.NotFixed},
			{"restart grafana", remediate.Fixed},
		},
		started: []string{"grafana.service", "prometheus.service"},
	},
	{
		name:    "system down",
		breaks:  "nginx is killed, and again whenever Restart= brings it back, until systemd gives up on it",
		do:      func(s *site.Site, ctx context.Context) error { return s.KillNginx(ctx) },
		broken:  "systemd has given up on nginx",
		alert:   "rave_system_down",
		rungs:   []rung{{"restart what failed", remediate.Fixed}},
		started: []string{"nginx.service"},
	},
}
