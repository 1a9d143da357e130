package webhook

import (
	"log/slog"
	"net/http"
	"time"
)

// The server's deadlines. A connection that does not keep them is closed.
const (
	// HeaderTimeout is for a request's header, and for TLS.
	HeaderTimeout = 5 * time.Second
	// BodyTimeout is for the body, after the header.
	BodyTimeout = 30 * time.Second
	// AnswerTimeout is from the header on until the answer has been taken.
	AnswerTimeout = 60 * time.Second
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout = 2 * time.Minute
	// MaxHeader is the longest header, in bytes; net/http adds 4 KiB.
	MaxHeader = 16 << 10
)

// NewServer is the HTTP server for the handler and whatever else the agent
// answers: with deadlines, and with connections told to conns, whose Listener
// it must be given. TLS and basic authentication are added around it.
func NewServer(handler http.Handler, conns *Conns, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: HeaderTimeout,
		ReadTimeout:       HeaderTimeout + BodyTimeout,
		WriteTimeout:      AnswerTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeader,
		ConnState:         conns.changed,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
