package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
)

// stopPatience is how long a stop may take: less than the unit's TimeoutStopSec=,
// after which systemd kills.
const stopPatience = 20 * time.Second

func (c *cli) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the agent",
		Long: "Run the agent until it is told to stop (SIGTERM, SIGINT; a second one ends it at once).\n" +
			"SIGHUP reads the inventory anew. Its settings are NIGHTSHIFT_… of the environment, see\n" +
			"`nightshift config`. Exit status 78 says that a person has to change something first.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signals := make(chan os.Signal, 4)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer signal.Stop(signals)
			return c.runAgent(cmd.Context(), signals)
		},
	}
}

// runAgent runs the agent until it ends or a signal ends it.
func (c *cli) runAgent(ctx context.Context, signals <-chan os.Signal) error {
	settings, err := c.ownSettings()
	if err != nil {
		return err
	}
	log := newLogger(c.err, settings.LogFormat, settings.LogLevel)
	running, err := startQuickly(ctx, settings, log)
	if err != nil {
		return err
	}
	return attend(running, signals, log)
}

// startGC has a start collect less often (GOGC, runtime/debug): it only reads, and
// gives back what it needed once it is done. Reading 10,000 events needs 16 MiB.
const startGC = 400

// startQuickly starts the agent, and leaves it with the settings of its work.
func startQuickly(ctx context.Context, settings agent.Settings, log *slog.Logger) (*agent.Agent, error) {
	before := debug.SetGCPercent(startGC)
	defer debug.SetGCPercent(before)
	running, err := agent.New(settings, thisBuild().Version, log)
	if err != nil {
		return nil, err
	}
	return running, running.Start(ctx)
}

// ownSettings are those of the agent itself: of the environment that it was given,
// and of a file only if one was named.
func (c *cli) ownSettings() (agent.Settings, error) {
	if c.environment != "" {
		if err := c.readEnvironment(c.environment, ""); err != nil {
			return agent.Settings{}, err
		}
	}
	return loadSettings()
}

const (
	// tidyEvery is how often is looked whether memory can be given back that a
	// burst needed: the runtime by itself collects only when there is more to do,
	// or after minutes, and the server keeps what it stored for 10 s.
	tidyEvery = 10 * time.Second
	// tidyAbove is from where on it is worth the 20 ms of CPU: an agent with
	// nothing to do has 6 MiB.
	tidyAbove = 16 << 20
)

// tidy gives memory back if there is much. It collects twice, because what lies in
// a pool outlives one collection, and the server's blocks of 8 MiB lie in one.
//
// A soft limit (GOMEMLIMIT) is not set: while alerts pour in the server rightly
// holds more, and with 64 MiB, or 128, collecting took what storing them needed:
// 64 senders of 64 alerts came to a third of the rate.
func tidy() {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	if held[0].Value.Uint64()-held[1].Value.Uint64() > tidyAbove {
		runtime.GC()
		debug.FreeOSMemory()
	}
}

// attend does what signals ask of a running agent until it ends.
func attend(running *agent.Agent, signals <-chan os.Signal, log *slog.Logger) error {
	debug.FreeOSMemory() // what the start needed to read the log
	look := time.NewTicker(tidyEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			tidy()
		case <-running.Done():
			return running.Err()
		case got := <-signals:
			if got != syscall.SIGHUP {
				return stop(running, got, signals, log)
			}
			if err := running.Reload(); err != nil {
				log.Error("the inventory was not read anew; the one before stays in force", slog.Any("err", err))
			}
		}
	}
}

// stopper is what can be stopped in order. Err is why it had ended by itself.
type stopper interface {
	Stop(context.Context) error
	Err() error
}

// stop ends the agent in order; another signal ends it at once.
func stop(running stopper, why os.Signal, signals <-chan os.Signal, log *slog.Logger) error {
	log.Info("stopping", slog.String("signal", why.String()))
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- running.Stop(ctx) }()
	for {
		select {
		case err := <-stopped:
			return errors.Join(err, running.Err())
		case got := <-signals:
			if got != syscall.SIGHUP {
				return fmt.Errorf("cannot stop in order: %s came a second time", got)
			}
		}
	}
}
