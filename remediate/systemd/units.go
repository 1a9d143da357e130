package systemd

import (
	"context"
	"strings"
	"sync"

	sd "github.com/coreos/go-systemd/v22/dbus"
)

// Units looks at units and acts on them over a [Bus]. Its methods may be called
// from several goroutines; each call ends with its context, or after 5 s where
// it only reads.
type Units struct {
	bus     *Bus
	names   func() []string
	starts  startLog
	reading chan struct{} // holds one of each read that waits for its answer

	mu      sync.Mutex
	samples map[string]sample
}

// maxReading is how many reads wait for their answer at once. A bus allows a
// connection 128 (max_replies_per_connection, dbus-daemon(1)) and refuses the
// rest, and PID 1 answers one after the other.
const maxReading = 16

// NewUnits makes Units. Names says which units are shown where all are asked for
// ([nightshift/remediate.SeeUnits]): those of the inventory in force.
func NewUnits(bus *Bus, names func() []string) *Units {
	return &Units{bus: bus, names: names, reading: make(chan struct{}, maxReading), samples: map[string]sample{}}
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
	p, err := u.properties(ctx, name, allOfUnit)
	return p.parse(name), err
}

// allOfUnit gets what every type of unit has.
func allOfUnit(c *sd.Conn, ctx context.Context, name string) (map[string]any, error) {
	return c.GetUnitPropertiesContext(ctx, name)
}

// restarts is NRestarts, which only services have; 0 of another unit. With a
// glance it costs half of a whole read.
func (u *Units) restarts(ctx context.Context, name string) (uint32, error) {
	if !strings.HasSuffix(name, ".service") {
		return 0, nil
	}
	p, err := u.properties(ctx, name, func(c *sd.Conn, ctx context.Context, name string) (map[string]any, error) {
		p, err := c.GetServicePropertyContext(ctx, name, "NRestarts")
		if err != nil {
			return nil, err
		}
		return map[string]any{p.Name: p.Value.Value()}, nil
	})
	return get[uint32](p, "NRestarts"), err
}

// Restarts is how often systemd has restarted a service by itself since somebody
// started it: NRestarts of org.freedesktop.systemd1(5).
func (u *Units) Restarts(ctx context.Context, name string) (uint32, error) {
	return u.restarts(ctx, name)
}

// getter reads properties of a unit in one call, so that they fit together.
type getter func(c *sd.Conn, ctx context.Context, name string) (map[string]any, error)

func (u *Units) properties(ctx context.Context, name string, all getter) (properties, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	select {
	case u.reading <- struct{}{}:
		defer func() { <-u.reading }()
	case <-ctx.Done():
		return nil, cannotRead(name, ctx.Err())
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
