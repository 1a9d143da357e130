package systemd

import (
	"context"
	"sync"

	sd "github.com/coreos/go-systemd/v22/dbus"
)

// Units looks at units and acts on them over a [Bus]. Its methods may be called
// from several goroutines; each call ends with its context, or after 5 s where
// it only reads.
type Units struct {
	bus    *Bus
	names  func() []string
	starts startLog

	mu      sync.Mutex
	samples map[string]sample
}

// NewUnits makes Units. Names says which units are shown where all are asked for
// ([nightshift/remediate.SeeUnits]): those of the inventory in force.
func NewUnits(bus *Bus, names func() []string) *Units {
	return &Units{bus: bus, names: names, samples: map[string]sample{}}
}

// read reads one unit. A unit that does not exist is read too: its LoadState
// says so.
func (u *Units) read(ctx context.Context, name string) (state, error) {
	p, err := u.properties(ctx, name, (*sd.Conn).GetAllPropertiesContext)
	return p.parse(name), err
}

// glance is read without what only services have (Type, Result, NRestarts,
// ExecMainStatus, ControlGroup), in a third of the time.
func (u *Units) glance(ctx context.Context, name string) (state, error) {
	p, err := u.properties(ctx, name, (*sd.Conn).GetUnitPropertiesContext)
	return p.parse(name), err
}

// getter reads properties of a unit in one call, so that they fit together.
type getter func(c *sd.Conn, ctx context.Context, name string) (map[string]any, error)

func (u *Units) properties(ctx context.Context, name string, all getter) (properties, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	c, err := u.bus.connection()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p, err := all(c.Conn, ctx, name)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	return p, nil
}

// down are those of the named units that are down.
func (u *Units) down(ctx context.Context, names []string) ([]string, error) {
	c, err := u.bus.connection()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	listed, err := c.ListUnitsByNamesContext(ctx, names)
	if err != nil {
		return nil, cannotRead("the units that others need", err)
	}
	var down []string
	for _, unit := range listed {
		if unit.ActiveState == inactive || unit.ActiveState == failed {
			down = append(down, unit.Name)
		}
	}
	return down, nil
}
