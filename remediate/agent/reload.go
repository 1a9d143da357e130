package agent

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// reloading is how the configuration in force came to be.
type reloading struct {
	mu    sync.Mutex // one at a time, whoever asks
	right prometheus.Gauge
	last  prometheus.Gauge
}

// describeReloads registers what says whether the last reading of the configuration
// was right: Prometheus has the same two of itself.
func (a *Agent) describeReloads() {
	a.reloading.right = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nightshift_config_last_reload_successful", Help: "1 if the configuration was right when it was last read; else the one before is in force.",
	})
	a.reloading.last = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nightshift_config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was read.",
	})
	a.registry.MustRegister(a.reloading.right, a.reloading.last)
	a.reloaded()
}

// reloaded notes that a configuration was taken into use.
func (a *Agent) reloaded() {
	a.reloading.right.Set(1)
	a.reloading.last.Set(float64(a.now().Wall.UnixMilli()) / 1000)
}

// Reload reads the inventory and the playbooks in YAML anew and takes them into use,
// all or nothing: with an error the ones before stay in force. Live incidents keep
// their plan. The host's name can't change: it names the log.
func (a *Agent) Reload() error {
	a.reloading.mu.Lock()
	defer a.reloading.mu.Unlock()
	if err := a.reload(); err != nil {
		a.reloading.right.Set(0)
		return err
	}
	a.reloaded()
	return nil
}

func (a *Agent) reload() error {
	file, config, probes, err := read(a.settings, inForce{a.file(), *a.world.probes.Load()})
	if err != nil {
		return err
	}
	if file.Host.Name != a.file().Host.Name {
		return fmt.Errorf("cannot reload: host.name changed from %s to %s; restart the agent for that", a.file().Host.Name, file.Host.Name)
	}
	if err := a.journal.SetPeople(usersOf(file)); err != nil {
		return fmt.Errorf("cannot reload: %w", err)
	}
	a.inventory.Store(file)
	a.journal.Describe(file.Digest, digestOf(config))
	a.world.use(probes, makeVMs(a.world, file, *a.world.vms.Load(), true))
	a.sample()
	a.engine.Configure(config)
	a.log.Info("the inventory was read anew", slog.String("digest", file.Digest), slog.Int("playbooks", len(config.Playbooks)+len(config.Asked)))
	return nil
}

// Reload is [Agent.Reload] for a person. What is wrong is for who asked to read, all
// of it.
func (p people) Reload(by string) (string, error) {
	if err := p.a.Reload(); err != nil {
		p.a.log.Error("the inventory was not read anew; the one before stays in force", slog.String("by", by), slog.Any("err", err))
		return "", fmt.Errorf("cannot reload, the configuration before stays in force:\n%w", err)
	}
	p.a.log.Info("a person had the inventory read anew", slog.String("by", by))
	return "reloaded; live incidents keep their plan", nil
}
