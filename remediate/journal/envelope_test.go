package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/remediate"
)

// The files below testdata/schema1 are events as version 1 stored them. They must
// be read as they are for ever: never write them anew.
func TestEventsOfSchema1AreRead(t *testing.T) {
	answered, err := os.ReadFile("testdata/schema1/answered.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(answered)
	if err != nil {
		t.Fatal(err)
	}
	want := Recorded{
		Event: remediate.Event{
			Type:     remediate.IncidentAnswered,
			Incident: "7K3M9Q2X",
			At:       remediate.Instant{Wall: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Boot: "b1", Up: time.Hour},
			Answered: &remediate.Answered{Verb: "resume", By: "oncall-1", Comment: "grafana is back"},
		},
		N: 42, ID: "01KJMMA2G04T2KVZ6T9HQB7NMZ", Epoch: "01KJMMA2G04T2KVZ6T9HQB7NMY",
		Prev: genesis, Hash: hashOf(answered), Agent: "1.0.0", Inventory: "inv", Playbooks: "pb", Raw: answered,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSnapshotsOfSchema1AreRead(t *testing.T) {
	for name, base := range map[string]*Base{
		"snapshot.json": nil,
		"packed.json":   nil,
		"accepted.json": {By: "oncall-1", Reason: "the disk was replaced", Damage: []string{"event 3 is missing"}, Epoch: "01KJMMA2G04T2KVZ6T9HQB7NMX"},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "schema1", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(text)
		if err != nil || string(got.Snapshot) != `{"events":{"7K3M9Q2X":3}}` || !isSnapshot(got.Type) || got.Incident != "" {
			t.Errorf("%s: read %+v (%v)", name, got, err)
		}
		if diff := cmp.Diff(base, got.Base); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// An event is what https://cloudevents.io calls one, whatever reads it.
func TestAStoredEventIsACloudEvent(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 1)
	var stored []byte
	if err := a.Events(t.Context(), Filter{}, func(r Recorded) error { stored = r.Raw; return nil }); err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(stored, &e); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"specversion": "1.0", "source": "/nightshift/rave-1", "type": "nightshift.incident.answered",
		"subject": "INC00000", "time": "2026-03-01T12:00:00Z", "datacontenttype": "application/json",
	} {
		if e[key] != want {
			t.Errorf("%s is %v, want %s", key, e[key], want)
		}
	}
	d := e["data"].(map[string]any)
	for key, want := range map[string]any{
		"schema": 1.0, "n": 1.0, "epoch": a.Epoch(), "prev": genesis, "boot": "b1", "up": "1h0m0s",
		"agent": "1.0.0", "inventory": "inv", "playbooks": "pb",
	} {
		if d[key] != want {
			t.Errorf("data.%s is %v, want %v", key, d[key], want)
		}
	}
}

func TestAnEventOfANewerSchemaIsNotGuessed(t *testing.T) {
	_, err := decode([]byte(`{"specversion":"1.0","type":"nightshift.incident.dreamt","data":{"schema":2,"n":7}}`))
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "event 7 has schema 2, this agent reads up to 1; run the newer agent") {
		t.Errorf("the error is %v, want %v that says what to do", err, ErrNewer)
	}
}

// What decodes must encode to something that decodes to the same; whatever is in
// a store, nothing panics.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/schema1/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := decode(text)
		if err != nil {
			return
		}
		if r.Hash != hashOf(text) || strings.HasPrefix(string(r.Type), typePrefix+typePrefix) {
			t.Errorf("decoded to %+v", r)
		}
		if _, err := remediate.EncodeJSON(r.Event); err != nil {
			t.Errorf("what was decoded can't be encoded: %v", err)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add((Head{Epoch: "01KJMMA2G04T2KVZ6T9HQB7NMY", N: 42, Hash: genesis}).encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, err := decodeHead(text); err == nil && string(h.encode()) != string(text) {
			t.Errorf("%q reads as %+v", text, h)
		}
	})
}
