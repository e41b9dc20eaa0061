// Asks the client of the documentation: `main HOST:PORT`, with a JSON list of cases
// `{"flag", "variant", "user", "groups"}` on standard input. Prints the list of answers.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"

	"docs/flags"
)

type ask struct {
	Flag    string
	Variant bool
	User    *string
	Groups  []string
}

func main() {
	connection, err := net.Dial("tcp", os.Args[1])
	check(err)
	answers := bufio.NewReader(connection)
	all := flags.Flags{Prefix: "ff", Get: func(key string) ([]byte, bool, error) {
		fmt.Fprintf(connection, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
		var length int
		if _, err := fmt.Fscanf(answers, "$%d\r\n", &length); err != nil || length < 0 {
			return nil, false, err
		}
		data := make([]byte, length+2)
		_, err := io.ReadFull(answers, data)
		return data[:length], err == nil, err
	}}
	var cases []ask
	check(json.NewDecoder(os.Stdin).Decode(&cases))
	given := make([]any, 0, len(cases))
	for _, one := range cases {
		user := ""
		if one.User != nil {
			user = *one.User
		}
		if one.Variant {
			given = append(given, all.Variant(one.Flag, user, "default"))
		} else {
			given = append(given, all.IsEnabled(one.Flag, user, one.Groups, false))
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(given))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
