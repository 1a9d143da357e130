package main

import (
	"context"
	"fmt"
	"strings"
)

// kept are the servers that a person may look at.
var kept = []struct{ what, inside, scheme, path string }{
	{"the site", "localhost:3002", "https", "/"},
	{"Prometheus", "localhost:9090", "http", "/alerts"},
	{"Alertmanager", "localhost:9093", "http", "/"},
	{"the agent's metrics", "localhost:9797", "http", "/metrics"},
}

// keep leaves everything running until ctx ends, and says how to get at it.
func (d *demo) keep(ctx context.Context) error {
	d.show.title("It runs until you press Ctrl-C")
	for _, k := range kept {
		address, err := d.site.Forward(k.inside)
		if err != nil {
			return err
		}
		d.show.say(fmt.Sprintf("%-20s  %s://%s%s", k.what, k.scheme, address, k.path))
	}
	d.show.say("Commands inside:")
	for _, command := range [][]string{{"nightshift", "incidents"}, {"bash"}} {
		d.show.say("  " + strings.Join(d.site.Command(ctx, "root", command...).Args, " "))
	}
	<-ctx.Done()
	return nil
}
