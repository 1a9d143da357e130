package site

import (
	"context"

	"nightshift/test/world"
)

// Services are the units that the agent may act on in a site.
var Services = []string{
	"grafana.service", "nginx.service", "postgresql.service", "prometheus.service", "webhook-dispatcher.service",
}

// Invocations is the InvocationID of each of the services: it changes exactly
// when a unit is started anew, whoever does it. A unit that has failed keeps its
// last one.
func (s *Site) Invocations(ctx context.Context) (map[string]string, error) {
	found := make(map[string]string, len(Services))
	for _, unit := range Services {
		properties, err := s.Properties(ctx, unit, "InvocationID")
		if err != nil {
			return nil, err
		}
		found[unit] = properties["InvocationID"]
	}
	return found, nil
}

// AwaitHealthy returns when every endpoint of the site answers as it should, or the
// virtual machine serves the image that is the last known good.
func (s *Site) AwaitHealthy(ctx context.Context) error {
	if !s.vmHost {
		return s.World.AwaitHealthy(ctx)
	}
	_, err := s.VM().AwaitServed(ctx, world.FirstImage.Name)
	return err
}
