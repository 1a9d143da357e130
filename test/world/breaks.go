package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Addresses at which the stand-ins take orders to break.
const (
	dispatcherControl = "http://localhost:3019/break/wedge"
	grafanaControl    = "http://localhost:3039/break/"
	reportControl     = "http://localhost:3069/report"
	resolverControl   = "http://localhost:3059/break/silence"
)

// How grafana leaks: until nine tenths of the site's memory are used, at a
// pace that takes some seconds.
const (
	leakShare  = 0.90
	leakPerSec = 256 << 20
)

// breakPoll is how often it is looked whether a break is done.
const breakPoll = 20 * time.Millisecond

// WedgeDispatcher hangs the worker of the webhook dispatcher: from now on it
// answers webhooks with 500 and counts them as errors.
func (w *World) WedgeDispatcher(ctx context.Context) error {
	return w.post(ctx, dispatcherControl)
}

// LeakGrafana has grafana take memory, really, until the site uses 90 % of
// what it may use. It takes about 7 s.
func (w *World) LeakGrafana(ctx context.Context) error {
	total, available, err := w.Memory()
	if err != nil {
		return err
	}
	bytes := available - int64((1-leakShare)*float64(total))
	if bytes <= 0 {
		return fmt.Errorf("cannot leak: the site uses %d of %d bytes already", total-available, total)
	}
	order := url.Values{"bytes": {strconv.FormatInt(bytes, 10)}, "rate": {strconv.Itoa(leakPerSec)}}
	return w.post(ctx, grafanaControl+"leak?"+order.Encode())
}

// KillNginx kills nginx as often as systemd brings it back, until systemd
// gives up on it: the unit has failed with Result=signal, by its start limit.
// The limit stands for 10 s whatever the factor: a start within that time
// needs a reset-failed before.
func (w *World) KillNginx(ctx context.Context) error {
	return w.until(ctx, "nginx.service to reach its start limit", func() (bool, error) {
		state, err := w.Properties(ctx, "nginx.service", "ActiveState", "MainPID")
		if err != nil || state["ActiveState"] == "failed" {
			return err == nil, err
		}
		if state["ActiveState"] == "active" && state["MainPID"] != "0" {
			// It may be gone by itself: then there is nothing to kill.
			_, _ = w.Exec(ctx, "kill", "-KILL", state["MainPID"])
		}
		return false, nil
	})
}

// QuitNginx sends nginx the signal for a graceful end, as a script that
// rotates logs may do by mistake. The exit is clean, so that Restart= has
// nothing to mend: the unit is inactive.
func (w *World) QuitNginx(ctx context.Context) error {
	state, err := w.Properties(ctx, "nginx.service", "MainPID")
	if err != nil {
		return err
	}
	if state["MainPID"] == "0" {
		return errors.New("cannot quit nginx: it does not run")
	}
	if _, err := w.Exec(ctx, "kill", "-QUIT", state["MainPID"]); err != nil {
		return err
	}
	return w.awaitInactive(ctx, "nginx.service")
}

// StopPostgres shuts PostgreSQL down behind systemd's back, by its own tool.
// The exit is clean, so that Restart= has nothing to mend.
func (w *World) StopPostgres(ctx context.Context) error {
	_, err := w.ExecAs(ctx, "postgres", "/usr/lib/postgresql/15/bin/pg_ctl", "stop",
		"--mode=fast", "--wait", "--silent", "--pgdata=/var/lib/postgresql/15/main")
	if err != nil {
		return err
	}
	return w.awaitInactive(ctx, "postgresql.service")
}

// Properties reads properties of a unit, as `systemctl show` names them.
func (w *World) Properties(ctx context.Context, unit string, names ...string) (map[string]string, error) {
	out, err := w.Exec(ctx, "systemctl", "show", "--property="+strings.Join(names, ","), unit)
	if err != nil {
		return nil, err
	}
	found := make(map[string]string, len(names))
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		found[name] = value
	}
	return found, nil
}

// Memory is the site's memory in bytes, as the node exporter reads it.
func (w *World) Memory() (total, available int64, err error) {
	text, err := os.ReadFile(w.Path("/run/rave/proc/meminfo"))
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read the site's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var name string
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "%s %d kB", &name, &kilobytes); err != nil {
			return 0, 0, fmt.Errorf("cannot read the site's memory from %q: %w", line, err)
		}
		switch name {
		case "MemTotal:":
			total = kilobytes << 10
		case "MemAvailable:":
			available = kilobytes << 10
		}
	}
	return total, available, nil
}

func (w *World) awaitInactive(ctx context.Context, unit string) error {
	return w.until(ctx, unit+" to be inactive", func() (bool, error) {
		state, err := w.Properties(ctx, unit, "ActiveState")
		return err == nil && state["ActiveState"] == "inactive", err
	})
}

// until looks again and again whether something is done, until ctx ends.
func (w *World) until(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cannot wait longer for %s: %w", what, errors.Join(ctx.Err(), err))
		}
		if err != nil {
			return err
		}
		time.Sleep(breakPoll)
	}
}

// post orders a stand-in to break, and returns when it has.
func (w *World) post(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	client := w.HTTPClient()
	client.Timeout = 0 // ctx's is the caller's
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("cannot break the site: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 512))
		return fmt.Errorf("cannot break the site: %s answers %s: %s", address, response.Status, text)
	}
	return nil
}
