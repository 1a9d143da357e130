package simulate

import (
	"fmt"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

const hostName = "h1"

// inventory is the site: units that hang together, some that may not be touched,
// and two virtual machines, one of which may be rolled back without a person.
func inventory() remediate.Inventory {
	return remediate.Inventory{
		Host: hostName, Digest: "inventory",
		Units: map[string]remediate.ManagedUnit{
			"db.service":     {},
			"app.service":    {Needs: []string{"db.service"}},
			"web.service":    {Needs: []string{"app.service"}, Healthy: []string{"front"}},
			"queue.service":  {},
			"worker.service": {Needs: []string{"queue.service"}},
			"cache.service":  {},
			"mail.service":   {},
			"slow.service":   {Autonomy: remediate.Approve},
			"shown.service":  {Autonomy: remediate.WatchOnly},
			"ghost.service":  {},
			"nats.service":   {Allow: true},
			"sshd.service":   {},
			"task.service":   {Oneshot: true, Risk: remediate.Restart},
		},
		VMs: map[string]remediate.ManagedVM{
			"rave":  {Unit: "rave-vm.service", Healthy: []string{"rave-port"}, Boots: time.Minute, WaitForGuest: 3 * time.Minute, Alone: remediate.Restart, RollbackEvery: 3 * time.Hour},
			"spare": {Unit: "spare-vm.service", Healthy: []string{"spare-port"}, Boots: time.Minute, Alone: remediate.Rollback, RollbackEvery: time.Hour},
		},
		Limits: limits,
		Own:    map[string]remediate.Own{"crash": {Rates: []remediate.Rate{{Max: 10, Per: 30 * time.Minute}}, KeepsLevel: true}},
		Groups: map[string]remediate.ManagedGroup{
			"front": {Units: []string{"cache.service", "mail.service"}, MinHealthy: 1},
			"back":  {Units: []string{"queue.service", "worker.service"}, MinHealthy: 2},
		},
		Maintenance: []remediate.Maintenance{{Name: "nightly", Times: nightly, Units: []string{"worker.service", "db.service"}}},
		Sources: map[string]remediate.AlertSource{"prom": {
			Match: alerts.Matching(`alertname="Watchdog"`, `source="prom"`), Alerts: alerts.Matching(`alertname=~"UnitSlow|SiteDown"`),
			Target: remediate.VM("rave"), Within: 3 * time.Minute,
		}},
	}
}

// nightly are hours of every day, of which a world sees many.
const nightly = remediate.Hours(`[{times: [{start_time: "02:00", end_time: "04:00"}, {start_time: "13:00", end_time: "15:00"}]}]`)

// limits are tight where a window is short, so that many slide by, and wide enough
// over a day that things still happen at its end.
var limits = remediate.Limits{
	Touched:      []remediate.Rate{{Max: 3, Per: 20 * time.Minute}, {Max: 12, Per: 6 * time.Hour}},
	Playbook:     []remediate.Rate{{Max: 8, Per: 30 * time.Minute}},
	Host:         []remediate.Rate{{Max: 16, Per: 30 * time.Minute}},
	Breaker:      remediate.BreakerLimits{Touched: 2, Playbook: 5, Per: 6 * time.Hour},
	StartupGrace: 2 * time.Minute,
}.WithDefaults()

// playbooks are those that alerts start, in their order.
func playbooks() []remediate.Playbook {
	restart := func(on remediate.Selector) remediate.Move { return remediate.Move{Do: remediate.VerbRestart, On: on} }
	target := remediate.Selector{What: remediate.TheTarget}
	unit := func(name string) remediate.Selector { return remediate.Selector{Unit: name} }
	quick := remediate.Verify{Healthy: []string{string(remediate.TheTarget)}, Settle: 10 * time.Second, Window: 30 * time.Second}
	return []remediate.Playbook{
		{
			Name: "crash", Match: named("UnitCrashed"), Target: remediate.TargetRule{UnitLabel: "name"},
			Look: []remediate.Look{{What: remediate.SeeUnit}},
			Ladder: []remediate.Rung{
				{Name: "restart", Do: []remediate.Move{restart(target)}},
				{Name: "with what it needs", Do: []remediate.Move{restart(remediate.Selector{What: remediate.ItsNeeds}), restart(target)}},
			},
			Verify: quick, Attempts: remediate.Attempts{Max: 4, Per: 2 * time.Hour, Cooldown: 4 * time.Minute}, Deadline: 20 * time.Minute,
		},
		{
			Name: "slow", Match: named("UnitSlow"), Target: remediate.TargetRule{UnitLabel: "name"},
			Ladder: []remediate.Rung{{Name: "restart", Do: []remediate.Move{{Do: remediate.VerbResetFailed, On: target}, restart(target)}}},
			Verify: quick, Attempts: remediate.Attempts{Max: 3, Per: time.Hour, Cooldown: 5 * time.Minute},
		},
		{
			Name: "site", Match: named("SiteDown"), Target: remediate.TargetRule{Host: true},
			Look: []remediate.Look{{What: remediate.SeeMemory}},
			Ladder: []remediate.Rung{
				{Name: "what failed", Do: []remediate.Move{restart(remediate.Selector{What: remediate.WhatFailed})}},
				{Name: "the front", Do: []remediate.Move{restart(unit("app.service")), restart(unit("web.service"))}},
			},
			Verify: remediate.Verify{Healthy: []string{"front"}, Settle: 5 * time.Second, Window: 45 * time.Second},
		},
		{
			Name: "memory", Match: named("HighMemory"), Target: remediate.TargetRule{Host: true},
			Ladder: []remediate.Rung{
				{Name: "the cache", Do: []remediate.Move{restart(unit("cache.service"))}},
				{Name: "the mail", Do: []remediate.Move{restart(unit("mail.service")), {Do: remediate.VerbOneshot, On: unit("task.service")}}},
				{Name: "the queue", Do: []remediate.Move{{Do: remediate.VerbStop, On: unit("queue.service")}, {Do: remediate.VerbStart, On: unit("queue.service")}}},
			},
			Verify: remediate.Verify{Healthy: []string{"memory"}},
		},
		{
			Name: "vm-down", Match: alerts.Matching(`alertname=~"VMDown|SourceSilent"`), Target: remediate.TargetRule{VMLabel: "vm"},
			Ladder: []remediate.Rung{
				{Name: "go on", Do: []remediate.Move{{Do: remediate.VerbCont, On: remediate.Selector{What: remediate.PausedVM}, Timeout: 20 * time.Second}}},
				{Name: "reset", Do: []remediate.Move{{Do: remediate.VerbReset, On: remediate.Selector{What: remediate.StuckVM}, Timeout: 20 * time.Second}}},
				rollBack(remediate.LastKnownGood),
			},
			Verify: quick, Attempts: remediate.Attempts{Cooldown: time.Minute},
		},
		{
			Name: "watched", Match: named("Watched"), Target: remediate.TargetRule{UnitLabel: "name"}, Autonomy: remediate.WatchOnly,
			Ladder: []remediate.Rung{{Name: "restart", Do: []remediate.Move{restart(target)}}}, Verify: quick,
		},
		{
			Name: "misplanned", Match: named("Misplanned"), Target: remediate.TargetRule{Unit: "cache.service"},
			Ladder: []remediate.Rung{{Name: "what is not there", Do: []remediate.Move{restart(unit("gone.service"))}}}, Verify: quick,
		},
		{
			Name: "nothing", Match: named("NothingToDo"), Target: remediate.TargetRule{Host: true},
			Ladder: []remediate.Rung{{Name: "the target, which is no unit", Do: []remediate.Move{restart(target)}}},
			Verify: remediate.Verify{Healthy: []string{"memory"}},
		},
	}
}

// asked are the playbooks that people start.
func asked() []remediate.Playbook {
	target := remediate.Selector{What: remediate.TheTarget}
	return []remediate.Playbook{
		{
			Name: "vm-checkpoint", Target: remediate.TargetRule{Asked: true},
			Ladder: []remediate.Rung{{Name: "keep", Do: []remediate.Move{{Do: remediate.VerbCheckpoint, On: target, Timeout: 30 * time.Second}}}},
		},
		{
			Name: "vm-rollback", Target: remediate.TargetRule{Asked: true}, Ladder: []remediate.Rung{rollBack(remediate.LastKnownGood)},
			Verify: remediate.Verify{Healthy: []string{string(remediate.TheTarget)}, Window: 30 * time.Second},
		},
	}
}

func rollBack(to remediate.Source) remediate.Rung {
	target := remediate.Selector{What: remediate.TheTarget}
	return remediate.Rung{Name: "roll back", Do: []remediate.Move{
		{Do: remediate.VerbPowerDown, On: target, Timeout: 40 * time.Second},
		{Do: remediate.VerbSwap, On: target, Timeout: 30 * time.Second, To: to},
		{Do: remediate.VerbBoot, On: target, Timeout: 40 * time.Second},
	}}
}

func named(alert string) alerts.Matchers { return alerts.Matching(fmt.Sprintf("alertname=%q", alert)) }

// config is how the agent of one world is set up.
func config(d *dice) engine.Config {
	return engine.Config{
		Inventory: inventory(), Playbooks: playbooks(), Asked: asked(),
		Mode: remediate.Act, MaxActing: 1 + d.number("config", 3),
	}
}

// about is an alert with its fingerprint.
func about(status alerts.Status, labels map[string]string) alerts.Alert {
	return alerts.Alert{Status: status, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)}
}
