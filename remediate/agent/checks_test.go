package agent

import (
	"log/slog"
	"slices"
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
	if len(checked) != len(file.Core().Site())+len(file.Probes) {
		t.Errorf("%d checks for %d units and %d probes", len(checked), len(file.Core().Site()), len(file.Probes))
	}
	for _, c := range checked {
		if c.Detail == "" {
			t.Errorf("%s %s is %s and does not say why", c.Kind, c.Name, c.Health)
		}
	}
}

func TestTheHealthCheckLeavesOutWhatAnswersOnlyDuringAProof(t *testing.T) {
	s := host(t)
	s.Config = "builtin:rave-host"
	file, err := s.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	check, end, err := Checks(t.Context(), s, file, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	var names []string
	for _, c := range check(t.Context()) {
		names = append(names, c.Name)
	}
	if want := []string{"rave", "images", "vm-port"}; !slices.Equal(names, want) {
		t.Errorf("it asks %q, want %q", names, want)
	}
}
