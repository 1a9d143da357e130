// Plans runs in a virtual machine with cgroup v2 and nothing but systemd in it: it gives
// services of all sizes limits of all sizes, lets them grow all the same, and counts
// whom the kernel killed. It says how it went on the console, and powers the machine off.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"nightshift/remediate/systemd"
)

// How many plans there are, and by which dice; a run that failed is run again with the
// same.
const (
	plans = 100
	seed  = 5
	mib   = 1 << 20
	dir   = "/run/nightshift-limits"
)

var started = time.Now()

func main() {
	if len(os.Args) == 4 && os.Args[1] == "eat" {
		eat(os.Args[2], os.Args[3])
	}
	if err := all(); err != nil {
		fmt.Println("plans: failed:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

// eat takes so much memory, and once it is told to, so much more.
func eat(name, more string) {
	first, _, _ := strings.Cut(more, "+")
	_, second, _ := strings.Cut(more, "+")
	food := [][]byte{take(first)}
	_ = os.WriteFile(filepath.Join(dir, name+".ready"), nil, 0o644)
	for !exists(filepath.Join(dir, name+".go")) {
		time.Sleep(10 * time.Millisecond)
	}
	n, _ := strconv.Atoi(second)
	for range n {
		food = append(food, take("1"))
	}
	for range time.Tick(time.Second) {
		food[0][0]++
	}
}

func take(size string) []byte {
	n, _ := strconv.Atoi(size)
	taken := make([]byte, n*mib+1)
	for i := 0; i < len(taken); i += 4096 {
		taken[i] = 1
	}
	return taken
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tally is what became of the plans.
type tally struct{ applied, refused, slowed, killed, notUndone int }

func all() error {
	if !systemd.Unified() {
		return errors.New("there is no cgroup v2")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx := context.Background()
	conn, err := sd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	dice := rand.New(rand.NewPCG(seed, seed))
	var t tally
	for n := range plans {
		if err := one(ctx, conn, dice, n, &t); err != nil {
			return fmt.Errorf("plan %d: %w", n, err)
		}
	}
	fmt.Printf("plans: %d applied=%d refused=%d slowed=%d killed=%d not-undone=%d\n", plans, t.applied, t.refused, t.slowed, t.killed, t.notUndone)
	return nil
}

// one runs a service, limits it, has it grow past the limit of most plans, and takes the
// limits back.
func one(ctx context.Context, conn *sd.Conn, dice *rand.Rand, n int, t *tally) error {
	name := fmt.Sprintf("eater-%d.service", n)
	limits := systemd.Limits{
		Profile: "p", Unit: name, Memory: uint64(12+dice.IntN(24)) * mib, For: time.Hour,
		CPU: time.Duration(20+dice.IntN(150)) * 10 * time.Millisecond, CPUWeight: uint64(1 + dice.IntN(200)),
	}
	size := int(limits.Memory / mib)
	first, more := 1+dice.IntN(size), dice.IntN(size)
	if dice.IntN(3) == 0 { // a wall of the site's own, which the service stays below
		limits.MemoryMax = limits.Memory * 2
		more = dice.IntN(size / 2)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argv := []string{self, "eat", name, fmt.Sprintf("%d+%d", first, more)}
	properties := []sd.Property{sd.PropExecStart(argv, false), {Name: "CollectMode", Value: dbus.MakeVariant("inactive-or-failed")},
		{Name: "KillSignal", Value: dbus.MakeVariant(int32(unix.SIGKILL))}}
	if _, err := conn.StartTransientUnitContext(ctx, name, "replace", properties, nil); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.StopUnitContext(ctx, name, "replace", nil)
		until(func() bool { return get(ctx, conn, name, "ActiveState") != "active" })
	}()
	if !until(func() bool { return exists(filepath.Join(dir, name+".ready")) }) {
		return fmt.Errorf("%s does not begin", name)
	}
	before := stands(ctx, conn, name)
	l := systemd.Limiter{Dir: dir, Invocation: name, Unified: true, Now: time.Now}
	switch err := l.Apply(ctx, limits); {
	case err != nil && strings.Contains(err.Error(), "less than 1.25 times"):
		t.refused++
		fmt.Printf("plans: %d %d MiB of %d: %v\n", n, first, size, err)
	case err != nil:
		return err
	default:
		t.applied++
	}
	fmt.Printf("plans: %d at %s\n", n, time.Since(started).Round(time.Millisecond))
	if err := os.WriteFile(filepath.Join(dir, name+".go"), nil, 0o644); err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond)
	cgroup := "/sys/fs/cgroup" + get(ctx, conn, name, "ControlGroup")
	if event(cgroup, "high") > 0 {
		t.slowed++
	}
	if event(cgroup, "oom_kill") != 0 || get(ctx, conn, name, "ActiveState") != "active" {
		t.killed++
		fmt.Printf("plans: %d killed: %d+%d MiB, limits %+v\n", n, first, more, limits)
	}
	if err := l.Undo(ctx, limits.Profile, name); err != nil {
		return err
	}
	if after := stands(ctx, conn, name); after != before {
		t.notUndone++
		fmt.Printf("plans: %d not undone: %s, it was %s\n", n, after, before)
	}
	return nil
}

// stands is all of a service that limits change.
func stands(ctx context.Context, conn *sd.Conn, name string) string {
	all, err := conn.GetAllPropertiesContext(ctx, name)
	said := []string{fmt.Sprint(err)}
	for _, property := range []string{"MemoryHigh", "MemoryMax", "CPUQuotaPerSecUSec", "CPUWeight", "NeedDaemonReload"} {
		said = append(said, fmt.Sprint(property, "=", all[property]))
	}
	found, _ := filepath.Glob("/run/systemd/system.control/" + name + ".d/*") // the pattern is right
	return strings.Join(append(said, found...), " ")
}

func get(ctx context.Context, conn *sd.Conn, name, property string) string {
	read := conn.GetUnitPropertyContext
	if property == "ControlGroup" {
		read = func(ctx context.Context, unit, property string) (*sd.Property, error) {
			return conn.GetServicePropertyContext(ctx, unit, property)
		}
	}
	p, err := read(ctx, name, property)
	if err != nil {
		return err.Error()
	}
	value, _ := p.Value.Value().(string)
	return value
}

// event is a counter of a control group's memory.events; -1 if it can't be read.
func event(cgroup, key string) int {
	text, err := os.ReadFile(cgroup + "/memory.events")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
			n, _ := strconv.Atoi(value)
			return n
		}
	}
	return -1
}

// until waits for something, at most 30 s.
func until(holds func() bool) bool {
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
