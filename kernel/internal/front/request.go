package front

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// request takes what a client sends to the shell or control socket.
func (f *Front) request(on *port, m message) {
	switch m.head.Type {
	case "execute_request":
		f.execute(on, m)
		return
	case "complete_request":
		f.complete(on, m)
		return
	case "inspect_request":
		f.inspect(on, m)
		return
	case "comm_open", "comm_msg", "comm_close":
		f.noteComm(m)
		if f.attached {
			m.identities = nil
			f.gonb.shell.send(m.encode(f.gonb.key))
		}
		return
	}
	name, isRequest := strings.CutSuffix(m.head.Type, "_request")
	if !isRequest {
		return
	}
	// What the front knows by itself is answered at once, also while a cell runs.
	f.setState("busy", m.header)
	var content any
	switch name {
	case "kernel_info":
		content = f.info()
	case "is_complete":
		content = isComplete(m.content)
	case "history":
		content = f.recall(m.content)
	case "comm_info":
		content = f.commInfo(m.content)
	case "interrupt":
		f.interrupt()
		content = map[string]string{"status": "ok"}
	case "shutdown":
		var c struct {
			Restart bool `json:"restart"`
		}
		_ = json.Unmarshal(m.content, &c)
		content = map[string]any{"status": "ok", "restart": c.Restart}
		f.publish("", "shutdown_reply", m.header, encodeJSON(content))
		defer f.shutdown()
	default:
		content = failed("NotSupported", "this kernel knows no "+m.head.Type)
	}
	f.answer(on, m, name+"_reply", content)
	f.idleAgain(m.header)
}

func failed(name, value string) map[string]any {
	return map[string]any{"status": "error", "ename": name, "evalue": value, "traceback": []string{value}}
}

// refuse answers a request that cannot be read.
func (f *Front) refuse(on *port, m message, kind, why string) {
	f.setState("busy", m.header)
	f.answer(on, m, kind, failed("BadRequest", why))
	f.idleAgain(m.header)
}

// info is what kernel_info_reply says.
func (f *Front) info() any {
	type link struct {
		Text string `json:"text"`
		URL  string `json:"url"`
	}
	return map[string]any{
		"status": "ok", "protocol_version": protocolVersion, "implementation": "gosciml", "implementation_version": f.config.Version,
		"language_info": f.config.Language, "debugger": false, "supported_features": []string{},
		"banner": fmt.Sprintf("GoSciML: Go %s in notebooks, by GoNB", f.config.Language.Version),
		"help_links": []link{{"Go", "https://go.dev/doc/"}, {"Go's packages", "https://pkg.go.dev/"},
			{"GoMLX", "https://github.com/gomlx/gomlx"}, {"GoNB", "https://github.com/janpfeifer/gonb"}},
	}
}

// input is a cell that was executed.
type input struct {
	number int
	code   string
}

// recall answers a history_request from this session's inputs; there are no others.
func (f *Front) recall(content json.RawMessage) any {
	var c struct {
		Output  bool   `json:"output"`
		Type    string `json:"hist_access_type"`
		Session int    `json:"session"`
		Start   int    `json:"start"`
		Stop    int    `json:"stop"`
		N       int    `json:"n"`
		Pattern string `json:"pattern"`
		Unique  bool   `json:"unique"`
	}
	_ = json.Unmarshal(content, &c)
	var found []input
	seen := map[string]bool{}
	for i := len(f.history) - 1; i >= 0; i-- { // the newest of those that are equal
		in := f.history[i]
		take := true
		switch c.Type {
		case "range":
			take = c.Session == 0 && in.number >= c.Start && (c.Stop <= 0 || in.number < c.Stop)
		case "search":
			matches, err := path.Match(strings.ReplaceAll(c.Pattern, "/", "\x00"), strings.ReplaceAll(in.code, "/", "\x00"))
			take = (c.Pattern == "" || err == nil && matches) && !(c.Unique && seen[in.code])
		}
		if take {
			seen[in.code] = true
			found = append(found, in)
		}
		if c.Type != "range" && c.N > 0 && len(found) == c.N {
			break
		}
	}
	entries := [][]any{}
	for i := len(found) - 1; i >= 0; i-- {
		var entry any = found[i].code
		if c.Output {
			entry = []any{found[i].code, nil}
		}
		entries = append(entries, []any{0, found[i].number, entry})
	}
	return map[string]any{"status": "ok", "history": entries}
}

// noteComm remembers which comms are open.
func (f *Front) noteComm(m message) {
	var c struct {
		ID     string `json:"comm_id"`
		Target string `json:"target_name"`
	}
	_ = json.Unmarshal(m.content, &c)
	switch m.head.Type {
	case "comm_open":
		f.comms[c.ID] = c.Target
	case "comm_close":
		delete(f.comms, c.ID)
	}
}

func (f *Front) commInfo(content json.RawMessage) any {
	var c struct {
		Target string `json:"target_name"`
	}
	_ = json.Unmarshal(content, &c)
	comms := map[string]any{}
	for id, target := range f.comms {
		if c.Target == "" || c.Target == target {
			comms[id] = map[string]string{"target_name": target}
		}
	}
	return map[string]any{"status": "ok", "comms": comms}
}
