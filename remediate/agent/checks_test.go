package agent

import (
	"log/slog"
	"testing"
)

func TestTheHealthCheckNeedsNoAgent(t *testing.T) {
	s := settings(t)
	file, err := s.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	check, end, err := Checks(t.Context(), s, file, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	checked := check(t.Context())
	if len(checked) != len(file.Units)+len(file.Probes) {
		t.Errorf("%d checks for %d units and %d probes", len(checked), len(file.Units), len(file.Probes))
	}
	for _, c := range checked {
		if c.Detail == "" {
			t.Errorf("%s %s is %s and does not say why", c.Kind, c.Name, c.Health)
		}
	}
}
