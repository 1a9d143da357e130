package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
)

const (
	reportControl = "127.0.0.1:3069"
	// reportBytes is what a report needs for a moment: more than a tenth of the site's
	// memory, so that there is none when grafana leaks.
	reportBytes = 256 << 20
)

// report makes a report whenever it is asked for one, each in a process of its own: POST
// /report answers 500 when that did not end well.
func report(ctx context.Context) error {
	control := http.NewServeMux()
	control.HandleFunc("POST /report", func(w http.ResponseWriter, r *http.Request) {
		job := exec.CommandContext(r.Context(), "/proc/self/exe")
		job.Args = []string{"report-job"}
		job.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := job.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "error: a report failed:", err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return serve(ctx, map[string]http.Handler{reportControl: control})
}

// reportJob takes its memory, and ends. Of all that the site does it can be spared
// first: proc_pid_oom_score_adj(5).
func reportJob(context.Context) error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o644); err != nil {
		return err
	}
	paper := &leak{}
	for range reportBytes / piece {
		paper.take(piece)
	}
	return nil
}
