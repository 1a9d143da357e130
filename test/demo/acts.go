package main

import (
	"context"

	"nightshift/remediate"
	"nightshift/test/guest"
	"nightshift/test/site"
	"nightshift/test/world"
)

// act is one thing that goes wrong, and what has to come of it.
type act struct {
	name string
	// stage is where it plays.
	stage stage
	// note says what has to be known beforehand, if anything.
	note string
	// breaks says what is done there, do does it, and broken says how it is then,
	// when that takes a while.
	breaks string
	do     func(*site.Site, context.Context) error
	broken string
	// alert is what Prometheus has to notice, again why it may forget that and
	// notice it anew.
	alert, again string
	// rungs are those that have to be tried, each with its outcome.
	rungs []rung
	// held is which of them waits for a person; none does if it is empty.
	held string
	// anew is what has to be another than before, and nothing else may be.
	anew []string
}

type rung struct {
	name    string
	outcome remediate.Outcome
}

func (r rung) String() string { return r.name + ": " + said(r.outcome) }

// goBack is the rung that no agent of these stages climbs without a person.
const goBack = "go back to the last known good"

var acts = []act{
	{
		name:   "webhook errors",
		stage:  theSite,
		breaks: "the dispatcher's worker hangs: GitLab's webhooks are answered 500",
		do:     func(s *site.Site, ctx context.Context) error { return s.WedgeDispatcher(ctx) },
		alert:  "rave_webhook_errors",
		rungs:  []rung{{"restart the dispatcher", remediate.Fixed}},
		anew:   []string{"webhook-dispatcher.service"},
	},
	{
		name:   "high memory",
		stage:  theSite,
		breaks: "grafana leaks until the site uses 90 % of its 2 GB",
		do:     func(s *site.Site, ctx context.Context) error { return s.LeakGrafana(ctx) },
		broken: "grafana has leaked enough",
		alert:  "rave_high_memory_usage",
		again:  ": Prometheus, started anew, has forgotten since when",
		rungs: []rung{
			{"restart prometheus", remediate.NotFixed},
			{"restart grafana", remediate.Fixed},
		},
		anew: []string{"grafana.service", "prometheus.service"},
	},
	{
		name:   "system down",
		stage:  theSite,
		breaks: "nginx is killed, and again whenever Restart= brings it back, until systemd gives up on it",
		do:     func(s *site.Site, ctx context.Context) error { return s.KillNginx(ctx) },
		broken: "systemd has given up on nginx",
		alert:  "rave_system_down",
		rungs:  []rung{{"restart what failed", remediate.Fixed}},
		anew:   []string{"nginx.service"},
	},
	{
		name:   "a bad update",
		stage:  theVMHost,
		note:   "rave-host may reset and boot its virtual machine by itself; to go back needs a person's approval.",
		breaks: "the virtual machine is updated by hand to an image that boots and then answers 500",
		do: func(s *site.Site, ctx context.Context) error {
			return s.VM().Update(ctx, guest.Image{Name: "update-2", Behaviour: guest.Unhealthy})
		},
		broken: "it is on a new overlay over update-2.qcow2, and boots",
		alert:  "rave_vm_down",
		rungs: []rung{
			{"reset the guest", remediate.NotFixed},
			{"power down and boot", remediate.NotFixed},
			{goBack, remediate.Fixed},
		},
		held: goBack,
		anew: []string{world.VMUnit, setAside, systemDisk},
	},
}
