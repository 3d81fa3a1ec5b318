// Package front speaks the Jupyter protocol in GoNB's place. It is what Jupyter's clients connect to, and GoNB's only
// client: it decides what they see of the state of the kernel, counts cells, and makes of GoNB's output what they expect,
// while GoNB compiles and runs.
//
// All state belongs to one goroutine, which takes messages from both sides one at a time. What GoNB has to work on is a job; GoNB
// has one at a time, the others wait in a queue, so that they can still be dropped. A job ends when GoNB has replied and said
// that it is idle: only then all of its output has come.
package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
)

// Config is what a front needs to know.
type Config struct {
	Connection string            // path of Jupyter's connection file
	Dir        string            // a folder of the kernel's own, for GoNB's connection file and sockets
	Version    string            // of this kernel
	Language   notebook.Language // what the cells are written in
	Modules    []string          // that cells can import
}

// Processes is what a front does with GoNB's processes.
type Processes interface {
	// Interrupt interrupts what runs for the current cell: the user's program gets the signal, a compiler is ended.
	Interrupt()
}

// Front is the kernel as clients see it.
type Front struct {
	config   Config
	key      []byte
	session  string
	incoming chan func()
	closed   chan struct{}
	closing  sync.Once

	shell, control, stdin, iopub, heartbeat *port
	gonb                                    struct {
		connection                    connection
		shell, control, stdin, output *peer
		key                           []byte
	}

	// What follows belongs to the goroutine of Serve.
	state    string // starting, busy or idle
	waiting  []*job
	current  *job
	attached bool // GoNB is there
	count    int  // of the last cell
	history  []input
	cells    map[int]sent
	locals   map[string]int    // variables that statements made, and the number of the cell
	comms    map[string]string // targets by id
	asker    *job              // whose program waits for input
	question message           // what it asks
	asked    bool              // whether its client was there to be asked

	processes Processes
	shutdown  func() // ends the kernel
}

// Listen binds Jupyter's sockets and writes GoNB's connection file, so that GoNB can be started.
func Listen(config Config) (*Front, error) {
	data, err := os.ReadFile(config.Connection)
	if err != nil {
		return nil, fmt.Errorf("cannot read Jupyter's connection file: %w", err)
	}
	var c connection
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("%s is not a connection file: %w", config.Connection, err)
	}
	if c.Key != "" && c.Scheme != "" && c.Scheme != "hmac-sha256" {
		return nil, fmt.Errorf("messages are to be signed by %q, expected hmac-sha256", c.Scheme)
	}
	f := &Front{config: config, key: []byte(c.Key), session: newID(), incoming: make(chan func()), closed: make(chan struct{}),
		state: "starting", cells: map[int]sent{}, locals: map[string]int{}, comms: map[string]string{}}
	if f.gonb.connection, err = inner(config.Dir); err != nil {
		return nil, err
	}
	f.gonb.key = []byte(f.gonb.connection.Key)
	for _, p := range []struct {
		port   **port
		number int
		kind   zmq4.SocketType
	}{
		{&f.shell, c.Shell, zmq4.Router}, {&f.control, c.Control, zmq4.Router}, {&f.stdin, c.Stdin, zmq4.Router},
		{&f.iopub, c.IOPub, zmq4.Pub}, {&f.heartbeat, c.Heartbeat, zmq4.Router},
	} {
		network, address := c.address(p.number)
		if *p.port, err = listen(network, address, p.kind); err != nil {
			f.Close()
			return nil, err
		}
	}
	f.shell.receive = func(frames [][]byte) { f.fromClient(frames, func(m message) { f.request(f.shell, m) }) }
	f.control.receive = func(frames [][]byte) { f.fromClient(frames, func(m message) { f.request(f.control, m) }) }
	f.stdin.receive = func(frames [][]byte) { f.fromClient(frames, f.input) }
	f.stdin.joined = func(identity string) { f.do(func() { f.ask(identity) }) }
	f.heartbeat.receive = func(frames [][]byte) { f.heartbeat.send(frames) }
	f.iopub.joined = func(identity string) {
		// One that comes later has missed what the kernel's state is.
		f.do(func() { f.publish(identity, "status", nil, encodeJSON(map[string]string{"execution_state": f.state})) })
	}
	if err := atomicfile.Write(f.GoNBConnection(), encodeJSON(f.gonb.connection), 0o600); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write GoNB's connection file: %w", err)
	}
	return f, nil
}

// GoNBConnection is the path of GoNB's connection file. It has the name of Jupyter's, in which GoNB looks for the kernel's id.
func (f *Front) GoNBConnection() string {
	return filepath.Join(f.config.Dir, filepath.Base(f.config.Connection))
}

// Close ends all connections.
func (f *Front) Close() {
	f.closing.Do(func() {
		close(f.closed)
		for _, p := range []*port{f.shell, f.control, f.stdin, f.iopub, f.heartbeat} {
			if p != nil {
				p.close()
			}
		}
		for _, p := range []*peer{f.gonb.shell, f.gonb.control, f.gonb.stdin, f.gonb.output} {
			if p != nil {
				p.raw.Close()
			}
		}
	})
}

// do runs a function in the goroutine of Serve.
func (f *Front) do(what func()) {
	select {
	case f.incoming <- what:
	case <-f.closed:
	}
}

func (f *Front) fromClient(frames [][]byte, handle func(message)) {
	// What is not signed, or is no message, gets no answer.
	if m, err := decode(frames, f.key); err == nil {
		f.do(func() { handle(m) })
	}
}

// Serve answers clients until ctx ends; GoNB is being started. A client that wants the kernel to end has shutdown called.
func (f *Front) Serve(ctx context.Context, processes Processes, shutdown func()) error {
	defer f.Close()
	f.processes, f.shutdown = processes, shutdown
	for _, p := range []*port{f.shell, f.control, f.stdin, f.iopub, f.heartbeat} {
		go p.serve()
	}
	f.setState("starting", nil)
	f.setState("idle", nil)
	failed := make(chan error, 1)
	go func() {
		if err := f.attach(ctx); err != nil {
			failed <- err
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case what := <-f.incoming:
			what()
		}
	}
}

// Interrupt is what an interrupt_request does.
func (f *Front) Interrupt() { f.do(f.interrupt) }

// identity is that of this client of GoNB. Its requests for input go to the one whose request made it ask.
const identity = "front"

// attach connects to GoNB, and waits until it has our subscription: what it published before would be lost.
func (f *Front) attach(ctx context.Context) error {
	c := f.gonb.connection
	for _, s := range []struct {
		peer   **peer
		number int
		kind   zmq4.SocketType
	}{
		{&f.gonb.output, c.IOPub, zmq4.Sub}, {&f.gonb.shell, c.Shell, zmq4.Dealer}, {&f.gonb.control, c.Control, zmq4.Dealer},
		{&f.gonb.stdin, c.Stdin, zmq4.Dealer},
	} {
		network, address := c.address(s.number)
		p, err := dial(ctx, network, address, s.kind, identity)
		if err != nil {
			return err
		}
		*s.peer = p
	}
	heard, once := make(chan struct{}), sync.Once{}
	go f.gonb.output.receive(f.gonb.key, func(m message) {
		once.Do(func() { close(heard) })
		f.do(func() { f.output(m) })
	})
	go f.gonb.shell.receive(f.gonb.key, func(m message) { f.do(func() { f.replied(m) }) })
	go f.gonb.control.receive(f.gonb.key, func(message) {})
	go f.gonb.stdin.receive(f.gonb.key, func(m message) { f.do(func() { f.inputRequest(m) }) })
	f.gonb.output.send([][]byte{{1}})
	for ready := false; !ready; {
		f.gonb.shell.send(f.toGoNB("kernel_info_request", newID(), header{}, emptyObject).encode(f.gonb.key))
		select {
		case <-heard:
			ready = true
		case <-f.closed:
			return errors.New("the kernel ended before GoNB had begun")
		case <-time.After(50 * time.Millisecond):
		}
	}
	f.do(func() {
		f.attached = true
		f.next()
	})
	return nil
}

// toGoNB makes a request in the name of a client.
func (f *Front) toGoNB(kind, id string, client header, content json.RawMessage) message {
	h := header{ID: id, Session: client.Session, Username: client.Username, Type: kind, Version: protocolVersion,
		Date: time.Now().UTC().Format(time.RFC3339)}
	return message{header: encodeJSON(h), content: content}
}

// publish sends to all clients, or to the one that identity names.
func (f *Front) publish(identity, kind string, parent json.RawMessage, content json.RawMessage) {
	f.publishMessage(identity, message{header: newHeader(kind, f.session, "kernel"), parent: parent, content: content}, kind)
}

func (f *Front) publishMessage(identity string, m message, kind string) {
	m.identities = [][]byte{[]byte("kernel." + f.session + "." + kind)}
	f.iopub.publish(identity, m.encode(f.key))
}

func (f *Front) setState(state string, parent json.RawMessage) {
	f.state = state
	f.publish("", "status", parent, encodeJSON(map[string]string{"execution_state": state}))
}

// answer replies to a request.
func (f *Front) answer(on *port, request message, kind string, content any) {
	m := message{identities: request.identities, header: newHeader(kind, f.session, "kernel"), parent: request.header,
		content: encodeJSON(content)}
	on.send(m.encode(f.key))
}
