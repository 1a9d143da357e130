package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"nightshift/test/guest"
)

// machine is what this boot is about.
type machine struct {
	image guest.Image
	boots uint64
	epoch string

	mu   sync.Mutex
	data *os.File // nil: no data disk

	ill  atomic.Bool // answers 500
	hung atomic.Bool // answers nothing
}

// openMachine reads the disks, and counts this boot.
func openMachine() (*machine, error) {
	system, err := openDisk(guest.SystemSerial)
	if err != nil {
		return nil, err
	}
	if system == nil {
		return nil, errors.New("cannot find the system disk")
	}
	defer system.Close()
	m := &machine{epoch: readEpoch()}
	if m.image, err = guest.ReadImage(system); err != nil {
		return nil, err
	}
	m.ill.Store(m.image.Behaviour == guest.Unhealthy)
	if m.boots, err = increment(system); err != nil {
		return nil, err
	}
	m.data, err = openDisk(guest.DataSerial)
	return m, err
}

// increment adds one to a disk's counter, durably.
func increment(disk *os.File) (uint64, error) {
	n, err := guest.ReadCount(disk)
	if err != nil {
		return 0, fmt.Errorf("cannot count: %w", err)
	}
	return n + 1, errors.Join(guest.WriteCount(disk, n+1), disk.Sync())
}

func (m *machine) serve() error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.show)
	mux.HandleFunc("POST /count", m.count)
	mux.HandleFunc("POST /break/{how}", m.breakDown)
	mux.HandleFunc("POST /nightshift", nightshift)
	return http.ListenAndServe(fmt.Sprintf(":%d", guest.Port), m.unlessHung(mux))
}

// unlessHung has a hung machine accept what is asked, and never answer.
func (m *machine) unlessHung(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.hung.Load() {
			select {}
		}
		next.ServeHTTP(w, r)
	})
}

func (m *machine) show(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	served := guest.Served{Image: m.image.Name, Boots: m.boots, Epoch: m.epoch}
	if m.data != nil {
		n, err := guest.ReadCount(m.data)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		served.Data = &n
	}
	w.Header().Set("Content-Type", "application/json")
	if m.ill.Load() {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_ = json.NewEncoder(w).Encode(served)
}

func (m *machine) count(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		http.Error(w, "no data disk", http.StatusInternalServerError)
		return
	}
	n, err := increment(m.data)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, n)
}

// breakDown breaks the machine until it boots again. What kills it is done once
// the answer is on its way.
func (m *machine) breakDown(w http.ResponseWriter, r *http.Request) {
	switch r.PathValue("how") {
	case "unhealthy":
		m.ill.Store(true)
	case "hang":
		m.hung.Store(true)
	case "panic":
		defer panicKernel(errors.New("told to panic"))
	case "poweroff":
		defer func() { go powerOff() }()
	default:
		http.Error(w, fmt.Sprintf("want one of %q", guest.Breaks), http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprintln(w, "as you wish")
	_ = http.NewResponseController(w).Flush()
}
