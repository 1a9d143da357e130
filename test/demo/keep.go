package main

import (
	"context"
	"fmt"
	"strings"
)

// kept are the servers that a person may look at.
var kept = []struct {
	at                         stage
	what, inside, scheme, path string
}{
	{theSite, "the site", "localhost:3002", "https", "/"},
	{theSite, "Prometheus", "localhost:9090", "http", "/alerts"},
	{theSite, "Alertmanager", "localhost:9093", "http", "/"},
	{theSite, "the agent's metrics", "localhost:9797", "http", "/metrics"},
	{theVMHost, "the virtual machine", "localhost:3002", "http", "/"},
	{theVMHost, "Prometheus", "localhost:9090", "http", "/alerts"},
	{theVMHost, "Alertmanager", "localhost:9093", "http", "/"},
	{theVMHost, "the agent's metrics", "localhost:9797", "http", "/metrics"},
}

// inside are commands that a person may begin with.
var inside = map[stage][][]string{
	theSite:   {{"nightshift", "incidents"}, {"bash"}},
	theVMHost: {{"nightshift", "vm", "status"}, {"nightshift", "vm", "rollback", "--undo"}, {"bash"}},
}

// keep leaves everything running until ctx ends, and says how to get at it.
func (d *demo) keep(ctx context.Context) error {
	d.show.title("It runs until you press Ctrl-C")
	for _, k := range kept {
		address, err := d.on(k.at).Forward(k.inside)
		if err != nil {
			return err
		}
		d.show.say(fmt.Sprintf("%-9s  %-19s  %s://%s%s", d.on(k.at).Name, k.what, k.scheme, address, k.path))
	}
	for _, at := range []stage{theSite, theVMHost} {
		d.show.say("Commands inside " + d.on(at).Name + ":")
		for _, command := range inside[at] {
			d.show.say("  " + strings.Join(d.on(at).Command(ctx, "root", command...).Args, " "))
		}
	}
	<-ctx.Done()
	return nil
}
