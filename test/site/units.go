package site

import (
	"context"
	"slices"
)

// Services are the units that the agent may act on.
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

// Restarted are the services that have another InvocationID than before.
func Restarted(before, after map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(Services), func(unit string) bool { return before[unit] == after[unit] })
}

// Untouched are the services that have the same InvocationID as before.
func Untouched(before, after map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(Services), func(unit string) bool { return before[unit] != after[unit] })
}
