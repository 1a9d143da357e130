// Bench measures what Nightshift costs, each figure beside its floor: what the
// same machine charges, in the same run, for the least that could do the job.
// Both sides take turns, so a machine that is busy with other things is as busy
// for one as for the other; what is told is the median of the turns, and the
// median of their ratios.
//
//	go run ./test/bench                     every figure
//	go run ./test/bench webhooks restart    some
//
// It runs inside a bare world (systemd, D-Bus and polkit of its own), and beside one
// that has a virtual machine, as root.
// The table goes to standard output, the same as JSON to -json.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The roles in which this program calls itself.
const (
	insideRole   = "inside"        // measures, inside the world
	floorRole    = "floor"         // the bare programs that we are held against
	rollbackRole = "bare-rollback" // the bare steps of a rollback
)

// options are what can be asked for.
type options struct {
	figures []string
	rounds  int
	history int
	profile bool
	json    string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	role := ""
	if len(args) > 0 {
		role = args[0]
	}
	switch role {
	case floorRole:
		return serveFloor(args[1:])
	case rollbackRole:
		return bareRollback(ctx, os.Stdin, os.Stdout)
	case insideRole:
		o, err := parse(args[1:])
		if err != nil {
			return err
		}
		return inside(ctx, o)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return outside(ctx, o)
}

// parse reads the flags; what stands behind them names figures.
func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "how often both sides of a figure take turns")
	flags.IntVar(&o.history, "history", 1_000_000, "events of the long history; 0 leaves it out")
	flags.BoolVar(&o.profile, "profile", false, "write a CPU profile of the figure intent to bin/bench.cpu")
	flags.StringVar(&o.json, "json", "bin/bench.json", "where the figures go as JSON")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: go run ./test/bench [flags] [figure …]\n\nfigures:")
		for _, f := range figures {
			fmt.Fprintf(flags.Output(), "  %-10s%s\n", f.name, f.about)
		}
		fmt.Fprintln(flags.Output(), "\nflags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(figures, func(f figure) bool { return f.name == name }) {
			return o, fmt.Errorf("cannot measure %q: expected one of %s", name, strings.Join(figureNames(), ", "))
		}
	}
	o.figures = flags.Args()
	return o, nil
}

// args are the flags that parse makes o of.
func (o options) args() []string {
	return append([]string{
		"-rounds", strconv.Itoa(o.rounds), "-history", strconv.Itoa(o.history), "-profile=" + strconv.FormatBool(o.profile),
	}, o.figures...)
}

// wants reports whether a figure was asked for; without any, all are.
func (o options) wants(name string) bool {
	return len(o.figures) == 0 || slices.Contains(o.figures, name)
}
