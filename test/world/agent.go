package world

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Files of an agent in a world, as an installation has them.
const (
	agentProgram     = "/usr/bin/nightshift"
	agentEnvironment = "/etc/nightshift/nightshift.env"
	agentInventory   = "/etc/nightshift/nightshift.yaml"
	agentToken       = "/etc/nightshift/webhook.token"
	agentPolkit      = "/etc/polkit-1/rules.d/50-nightshift.rules"
)

// The agent of a site sees the processors of the site's machine, and not what others do
// on the one that runs it: whoever is busiest is busiest in the site.
const (
	agentDropIn   = "/etc/systemd/system/nightshift.service.d/processors.conf"
	ownProcessors = "[Unit]\nAfter=rave-meminfo.service\n[Service]\nBindReadOnlyPaths=/run/rave/stat:/proc/stat\n"
)

// furnishAgent installs an agent as an administrator would: the program, its
// unit and user as shipped, its configuration, and the polkit rule that the
// program itself prints for that configuration.
func (w *World) furnishAgent(ctx context.Context, o Options) error {
	if o.Agent == "" {
		return nil
	}
	if w.token == "" { // a site made it for its Alertmanager
		w.token = rand.Text()
	}
	if err := w.CopyIn(o.Agent, agentProgram); err != nil {
		return err
	}
	if err := w.writeAgentFiles(ctx, o); err != nil {
		return err
	}
	if o.Services == Site {
		if err := errors.Join(w.writeOneshots(ctx), w.WriteFile(agentDropIn, []byte(ownProcessors), 0o644)); err != nil {
			return err
		}
	}
	rule, err := w.inRoot(ctx, w.agentSettings(o), agentProgram, "config", "polkit")
	if err != nil {
		return err
	}
	if err := w.WriteFile(agentPolkit, rule, 0o644); err != nil {
		return err
	}
	nats, err := NATS.Install(ctx, o.Log)
	if err != nil {
		return err
	}
	if err := w.CopyIn(nats, "/usr/local/bin/nats"); err != nil {
		return err
	}
	return w.enable("nightshift.service")
}

func (w *World) writeAgentFiles(ctx context.Context, o Options) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	unit, err := os.ReadFile(filepath.Join(root, "deploy/systemd/nightshift.service"))
	if err != nil {
		return err
	}
	users, err := os.ReadFile(filepath.Join(root, "deploy/systemd/nightshift.sysusers"))
	if err != nil {
		return err
	}
	files := []struct {
		path    string
		content []byte
		mode    os.FileMode
	}{
		{"/etc/systemd/system/nightshift.service", unit, 0o644},
		{"/usr/lib/sysusers.d/nightshift.conf", users, 0o644},
		{"/etc/tmpfiles.d/nightshift.conf", []byte("z " + agentToken + " 0440 root nightshift\n"), 0o644},
		{agentEnvironment, []byte(strings.Join(w.agentSettings(o), "\n") + "\n"), 0o644},
		{agentInventory, o.Inventory, 0o644},
		{agentToken, []byte(w.token), 0o600},
	}
	for _, f := range files {
		if err := w.WriteFile(f.path, f.content, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// ages are what a world changes of what temporary files are removed: how old one is,
// its time of writing says, because nobody can set the time of its last change.
var ages = strings.NewReplacer(" - - - ", " - - - mM:")

// writeOneshots installs the units of root's that the agent may start, as they are
// shipped.
func (w *World) writeOneshots(ctx context.Context) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	units, err := filepath.Glob(filepath.Join(root, "deploy/systemd/nightshift-*.service"))
	if err != nil {
		return err
	}
	for _, unit := range units {
		if err := w.CopyIn(unit, "/etc/systemd/system/"+filepath.Base(unit)); err != nil {
			return err
		}
	}
	const clean = "nightshift-tmpclean.conf"
	text, err := os.ReadFile(filepath.Join(root, "deploy/systemd", clean))
	if err != nil {
		return err
	}
	return w.WriteFile("/usr/share/nightshift/"+clean, []byte(ages.Replace(string(text))), 0o644)
}

// agentSettings is the agent's environment; what Options add comes last, and
// so wins.
func (w *World) agentSettings(o Options) []string {
	return append([]string{
		"NIGHTSHIFT_CONFIG=" + agentInventory,
		"NIGHTSHIFT_MODE=act",
		"NIGHTSHIFT_WEBHOOK_TOKEN_FILE=" + agentToken,
		"NIGHTSHIFT_PROMETHEUS_URL=http://127.0.0.1:9090",
		"NIGHTSHIFT_ALERTMANAGER_URL=http://127.0.0.1:9093",
	}, o.AgentEnv...)
}

// inRoot runs a static program in a root that has not booted yet.
func (w *World) inRoot(ctx context.Context, env []string, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0])
	cmd.Args, cmd.Env, cmd.Dir = argv, env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: w.root()}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot run %q in the world's root: %w: %s", strings.Join(argv, " "), err, stderr.String())
	}
	return out, nil
}
