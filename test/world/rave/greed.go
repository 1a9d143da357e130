package main

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// leak takes memory and never gives it back: POST /break/leak?bytes=N&rate=M
// takes N bytes at M bytes a second and answers when it has them.
type leak struct {
	mu   sync.Mutex
	held [][]byte
}

// Memory is taken in pieces large enough for few timers, small enough to be
// gradual.
const (
	piece    = 8 << 20
	pageSize = 4096
)

func (l *leak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bytes, err := strconv.ParseInt(r.FormValue("bytes"), 10, 64)
	rate, rateErr := strconv.ParseInt(r.FormValue("rate"), 10, 64)
	if err != nil || rateErr != nil || bytes <= 0 || rate < piece {
		http.Error(w, "want bytes=N above 0 and rate=M of at least 8 MiB a second", http.StatusBadRequest)
		return
	}
	pace := time.NewTicker(time.Second * piece / time.Duration(rate))
	defer pace.Stop()
	for range bytes / piece {
		<-pace.C
		l.take(piece)
	}
}

// take touches what it takes: memory counts once it has been written to.
func (l *leak) take(bytes int) {
	chunk := make([]byte, bytes)
	for i := 0; i < len(chunk); i += pageSize {
		chunk[i] = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, chunk)
}

// pool takes connections to the database and never gives one back: POST
// /break/connections takes them until the database refuses the next, and answers how
// many it has.
type pool struct {
	mu   sync.Mutex
	held []*pgconn.PgConn
}

// tooManyConnections is SQLSTATE 53300 of PostgreSQL, appendix A.
const tooManyConnections = "53300"

func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		conn, err := pgconn.Connect(r.Context(), database)
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == tooManyConnections {
			fmt.Fprintln(w, len(p.held))
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		p.held = append(p.held, conn)
	}
}

// spin has every processor compute until the process ends.
func spin(http.ResponseWriter, *http.Request) {
	for range runtime.NumCPU() {
		go func() {
			for n := uint64(1); ; n++ {
				n *= n
			}
		}()
	}
}
