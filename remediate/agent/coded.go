package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"nightshift/playbooks"
	"nightshift/remediate"
)

// Coded adds playbooks of one's own to those that come with the program: the inventory
// then turns them on by their names, like any other. They are held to what a playbook
// in YAML is held to.
func Coded(own ...remediate.Playbook) Option {
	return func(a *Agent) { a.settings.own = append(slices.Clone(a.settings.own), own...) }
}

// Run runs an agent with the settings of the environment until ctx ends: the main of a
// build of one's own.
func Run(ctx context.Context, version string, log *slog.Logger, options ...Option) error {
	settings, err := LoadSettings()
	if err != nil {
		return err
	}
	a, err := New(settings, version, log, options...)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-a.Done():
	}
	return errors.Join(a.Stop(context.Background()), a.Err())
}

// coded are the names of all coded playbooks.
func (s Settings) coded() []string {
	names := playbooks.Names()
	for _, p := range s.own {
		names = append(names, p.Name)
	}
	return names
}

// find is the coded playbook of a name that alerts start.
func (s Settings) find(name string) (remediate.Playbook, bool) {
	if n := slices.IndexFunc(s.own, func(p remediate.Playbook) bool { return p.Name == name }); n >= 0 {
		return s.own[n], true
	}
	return playbooks.Find(name)
}

// checkOwn finds what is wrong with the playbooks of one's own.
func (s Settings) checkOwn() error {
	var errs []error
	taken := playbooks.Names()
	for _, p := range s.own {
		if slices.Contains(taken, p.Name) {
			errs = append(errs, fmt.Errorf("cannot add the playbook %q: there is one of this name already", p.Name))
		}
		taken = append(taken, p.Name)
		errs = append(errs, playbooks.Check(p))
	}
	return errors.Join(errs...)
}
