package notebook

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Language is what notebooks and clients are told of the language of cells (language_info). It is the same on every
// machine, so that opening and saving a notebook changes nothing in it.
type Language struct {
	CodeMirrorMode    string `json:"codemirror_mode"`
	FileExtension     string `json:"file_extension"`
	MIMEType          string `json:"mimetype"`
	Name              string `json:"name"`
	NBConvertExporter string `json:"nbconvert_exporter"`
	PygmentsLexer     string `json:"pygments_lexer"`
	Version           string `json:"version"`
}

// GoOf is the language of a clone's cells: Go in the version that its go.mod asks for.
func GoOf(clone string) (Language, error) {
	l := Language{CodeMirrorMode: "go", FileExtension: ".go", MIMEType: "text/x-go", Name: "go", NBConvertExporter: "script",
		PygmentsLexer: "go"}
	path := filepath.Join(clone, "go.mod")
	file, err := os.Open(path)
	if err != nil {
		return l, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if version, ok := strings.CutPrefix(lines.Text(), "go "); ok {
			l.Version = strings.TrimSpace(version)
			return l, nil
		}
	}
	return l, fmt.Errorf("%s does not say which version of Go it needs", path)
}
