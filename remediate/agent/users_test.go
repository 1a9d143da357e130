package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// siteFor is RAVE's inventory with people in it.
func siteFor(t *testing.T, path, people string) {
	t.Helper()
	text, err := os.ReadFile("../inventory/rave.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "people:") {
			t.Fatal("the inventory of RAVE has people of its own; this test adds some")
		}
		kept = append(kept, line)
	}
	if err := os.WriteFile(path, []byte(strings.Join(kept, "")+people), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPeopleComeAndGoWithTheInventoryAndAreTold(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.PublicKey()
	seed, _ := key.Seed()
	s := settings(t)
	s.Config = filepath.Join(t.TempDir(), "nightshift.yaml")
	siteFor(t, s.Config, "")
	a := start(t, s)
	url, _, host, _ := a.Operator()
	if p, ok := a.person(operatorUser); !ok || p.Approves != remediate.Rollback {
		t.Errorf("without people the operator is %+v, want somebody who may approve", p)
	}

	siteFor(t, s.Config, "people: {ann: {key: "+public+", approves: reset}}\n")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if p, _ := a.person(operatorUser); p.Approves != remediate.Observe {
		t.Errorf("with people the operator may approve %s, want nothing", p.Approves)
	}
	if p, ok := a.person("ann"); !ok || p.Key != public || p.Approves != remediate.Reset {
		t.Errorf("ann is %+v", p)
	}
	file := filepath.Join(t.TempDir(), "ann")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	ann, err := nats.Connect(url, nats.Nkey(public, key.Sign), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ann.Close)
	told, err := ann.SubscribeSync("nightshift.notify." + host + ".*")
	if err != nil {
		t.Fatal(err)
	}
	if err := ann.Flush(); err != nil {
		t.Fatal(err)
	}
	client, err := oncall.Connect(url, "ann", host, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := client.Do(t.Context(), oncall.Freeze, oncall.Request{Comment: "the racks move"}); err != nil {
		t.Fatal(err)
	}
	m, err := told.NextMsg(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var n oncall.Notification
	if err := json.Unmarshal(m.Data, &n); err != nil || n.Kind != oncall.NotifyFrozen || n.Host != host || !strings.Contains(n.Text, "ann froze the agent") {
		t.Errorf("people are told %s (%v)", m.Data, err)
	}
	var missed []oncall.Notification
	if err := client.Ask(t.Context(), oncall.AskNotifications, oncall.NotificationsQuery{}, &missed); err != nil || len(missed) != 1 || missed[0].Text != n.Text {
		t.Errorf("who was away reads %+v, %v", missed, err)
	}

	siteFor(t, s.Config, "")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !ann.IsClosed(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("ann, who is nobody any more, is still connected")
		}
	}
	operator(t, a) // is not affected
}
