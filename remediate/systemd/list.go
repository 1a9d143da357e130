package systemd

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Listed is one service of a host.
type Listed struct {
	Name, Description string
	Running, Oneshot  bool
}

// Services lists the service units that the host's systemd has loaded, for
// somebody who writes a first inventory. It makes a connection of its own.
func Services(ctx context.Context) ([]Listed, error) {
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask systemd for this host's units: %w", err)
	}
	defer conn.Close()
	units, err := conn.ListUnitsByPatternsContext(ctx, nil, []string{"*.service"})
	if err != nil {
		return nil, fmt.Errorf("cannot list this host's units: %w", err)
	}
	var listed []Listed
	for _, unit := range units {
		if unit.LoadState != loaded {
			continue
		}
		kind, err := conn.GetUnitTypePropertyContext(ctx, unit.Name, "Service", "Type")
		if err != nil {
			return nil, fmt.Errorf("cannot read the type of %s: %w", unit.Name, err)
		}
		listed = append(listed, Listed{unit.Name, unit.Description, unit.ActiveState == active, kind.Value.Value() == "oneshot"})
	}
	return listed, nil
}
