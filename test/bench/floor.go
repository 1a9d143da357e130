package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/go-json-experiment/json"
	"github.com/prometheus/alertmanager/template"
	"golang.org/x/sys/unix"
)

// startFloor starts the bare programs that the agent is held against, as a
// process of their own.
func startFloor(ctx context.Context, dir string) (*process, error) {
	return launch(ctx, dir, nil, benchProgram, floorRole, dir)
}

// floor is the least that could do the job. POST /webhook decodes and answers
// once the body is on disk, with all that came meanwhile. POST /incident then
// also writes as many records as it is asked for, one sync each and one writer
// for all, and asks systemd to restart a unit if one is named.
type floor struct {
	alerts  *file
	records *file
	units   *sd.Conn
}

// serveFloor answers until it is killed.
func serveFloor(args []string) error {
	if len(args) != 1 {
		return errors.New("cannot serve the floor: expected a directory")
	}
	f := &floor{}
	var err error
	if f.alerts, err = openFile(filepath.Join(args[0], "alerts")); err != nil {
		return err
	}
	if f.records, err = openFile(filepath.Join(args[0], "records")); err != nil {
		return err
	}
	if f.units, err = sd.NewSystemConnectionContext(context.Background()); err != nil {
		return err
	}
	defer f.units.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", f.webhook)
	mux.HandleFunc("POST /incident", f.incident)
	l, err := net.Listen("tcp", floorAddr)
	if err != nil {
		return err
	}
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		return err
	}
	return http.Serve(l, mux)
}

// message is Alertmanager's webhook, by its own types.
type message struct {
	template.Data   `json:",inline"`
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

func (f *floor) webhook(w http.ResponseWriter, r *http.Request) { answer(w, f.keep(r)) }

// keep decodes a webhook and makes it durable.
func (f *floor) keep(r *http.Request) error {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return err
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	return f.alerts.commit(body)
}

func (f *floor) incident(w http.ResponseWriter, r *http.Request) { answer(w, f.intend(r)) }

// intend is an incident up to its act.
func (f *floor) intend(r *http.Request) error {
	if err := f.keep(r); err != nil {
		return err
	}
	query := r.URL.Query()
	records, err := strconv.Atoi(query.Get("records"))
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(query.Get("bytes"))
	if err != nil {
		return err
	}
	record := make([]byte, size)
	for range records {
		if err := f.records.append(record); err != nil {
			return err
		}
	}
	if unit := query.Get("unit"); unit != "" {
		_, err = f.units.RestartUnitContext(r.Context(), unit, "replace", nil)
	}
	return err
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// file is appended to, and written anew when it is long.
type file struct {
	out  *os.File
	size int

	writing sync.Mutex // held by the one who writes
	mu      sync.Mutex
	waiting *group
}

// group is what is written together.
type group struct {
	text    []byte
	written chan struct{} // closed when err is set
	err     error
}

// fileLimit is what the agent keeps of alerts, too.
const fileLimit = 256 << 20

func openFile(name string) (*file, error) {
	out, err := os.Create(name)
	return &file{out: out}, err
}

// append makes one record durable.
func (f *file) append(text []byte) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	return f.write(text)
}

// commit makes a record durable together with whatever else comes while another
// group is being written: who comes first writes it for all.
func (f *file) commit(text []byte) error {
	f.mu.Lock()
	g, first := f.waiting, f.waiting == nil
	if first {
		g = &group{written: make(chan struct{})}
		f.waiting = g
	}
	g.text = append(g.text, text...)
	f.mu.Unlock()
	if first {
		f.writeGroup(g)
	}
	<-g.written
	return g.err
}

func (f *file) writeGroup(g *group) {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	f.waiting = nil
	f.mu.Unlock()
	g.err = f.write(g.text)
	close(g.written)
}

func (f *file) write(text []byte) error {
	if f.size > fileLimit {
		if _, err := f.out.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := f.out.Truncate(0); err != nil {
			return err
		}
		f.size = 0
	}
	if _, err := f.out.Write(text); err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	f.size += len(text)
	return unix.Fdatasync(int(f.out.Fd()))
}
