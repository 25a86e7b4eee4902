<?php
/**
 * What the PHP files of Palisade's bridges share: their settings, making values safe to send, and asking the host.
 *
 * It needs PHP 7.1 or newer and nothing beyond its core. It stands beside the file that a panel loads. Nothing in it
 * writes to a page, and whoever calls it catches every Throwable: a panel goes on without a host as it does with one.
 */

declare(strict_types=1);

if (class_exists('PalisadeClient', false)) {
    return;
}

/** Why the host gave no answer. Its message holds no values. */
final class PalisadeFailure extends RuntimeException
{
}

/** The settings beside the file, and the host behind its socket. */
final class PalisadeClient
{
    /** What a person reads when there is no answer and the operator wants a denial then. */
    const DENIED = 'This needs the consent of an extension that cannot be asked now. Try again in a moment.';

    /** Bytes of a body for which texts are made shorter, of one that is sent at all, and of an answer. */
    const MAX_BODY = 900 * 1024;
    const MAX_SENT = 16 * 1024 * 1024;
    const MAX_ANSWER = 4 * 1024 * 1024;

    /** Bytes that a text may have. What does not fit into a body with the first is tried with the next. */
    const LONGEST = [65536, 4096, 256, 16];

    /** The panel's own names of what is to be forwarded. */
    public $hooks = [];

    /** Whether there is a list of them at all. */
    public $isRegistered = false;

    /** Whether an action that needs an answer is refused when there is none. */
    public $denies = false;

    /** Names of secrets that are sent. */
    public $sendSecrets = [];

    /** What is wrong with the settings, for the log. */
    public $trouble = '';

    /** Milliseconds that an answer may take to come back. */
    const WAY_BACK = 10;

    private $socket = '/run/palisade/palisade.sock';
    private $numbers;

    /**
     * Reads `palisade-hooks.json` and `palisade.ini` from a directory.
     *
     * @param array $numbers the numbers that the file has, with their defaults
     */
    public function __construct(string $directory, array $numbers)
    {
        $this->numbers = $numbers;
        $this->readHooks($directory . '/palisade-hooks.json');
        $this->readSettings($directory . '/palisade.ini');
    }

    /** A number of the settings. */
    public function number(string $name): int
    {
        return $this->numbers[$name];
    }

    /** Whether this is to be forwarded. */
    public function hasHook(string $name): bool
    {
        return in_array($name, $this->hooks, true);
    }

    /**
     * Has the host answer a call within so many milliseconds, and returns what it says.
     *
     * @return array `stdout` and `note`
     */
    public function ask(array $call, int $milliseconds): array
    {
        $end = self::now() + $milliseconds / 1000;
        // The handlers' own `on-failure` decides when their time is over, and not this file.
        $within = max(1, $milliseconds - self::WAY_BACK);
        $stream = $this->send($call, $end, '/v1/bridge?within_ms=' . $within);
        try {
            return self::answer($stream, $end);
        } finally {
            fclose($stream);
        }
    }

    /**
     * Hands a call over without waiting for what comes of it: the host goes on when this has left. It waits a moment
     * for the answer all the same, since a host that finds the connection closed before it has read the call drops it.
     */
    public function tell(array $call, int $sendMilliseconds, int $graceMilliseconds): void
    {
        $stream = $this->send($call, self::now() + $sendMilliseconds / 1000, '/v1/bridge');
        try {
            self::isReady($stream, false, self::now() + $graceMilliseconds / 1000);
        } finally {
            fclose($stream);
        }
    }

    /** Logs a thing once in the life of the machine's temporary files, not at every page. */
    public static function once(string $what, callable $log): void
    {
        $mark = sys_get_temp_dir() . '/palisade-told-' . hash('sha256', __DIR__ . $what);
        // `x` makes the file, and neither follows a link nor touches a file that is there.
        $file = @fopen($mark, 'x');
        if ($file !== false) {
            fclose($file);
            $log($what);
        }
    }

    /** A document with values that fit into a call, and the call. */
    public static function call(string $dialect, string $name, array $document, array $values, array $secrets): array
    {
        foreach (self::LONGEST as $longest) {
            $plain = new PalisadeValues($longest, $secrets);
            $whole = $document;
            foreach ($values as $key => $value) {
                $whole[$key] = (object) $plain->outermost($value);
            }
            if ($plain->cut !== []) {
                $whole['cut'] = $plain->cut;
            }
            $call = ['dialect' => $dialect, 'arguments' => [$name], 'stdin' => self::json($whole)];
            if (strlen(self::json($call)) <= self::MAX_BODY) {
                break;
            }
        }
        return $call;
    }

    /** JSON, or a failure that says nothing of the values. */
    public static function json($value): string
    {
        $json = json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION);
        if ($json === false) {
            throw new PalisadeFailure('the call cannot be written: ' . json_last_error_msg());
        }
        return $json;
    }

    private function readHooks(string $path): void
    {
        if (!is_file($path)) {
            return;
        }
        $read = json_decode((string) @file_get_contents($path), true);
        if (!is_array($read) || !is_array($read['hooks'] ?? null)) {
            $this->trouble = 'palisade-hooks.json is not what `palisade bridge register` writes';
            return;
        }
        $this->isRegistered = true;
        $this->hooks = array_values(array_unique(array_filter($read['hooks'], 'is_string')));
        if (is_string($read['socket'] ?? null)) {
            $this->socket = $read['socket'];
        }
    }

    private function readSettings(string $path): void
    {
        if (!is_file($path)) {
            return;
        }
        $text = (string) @file_get_contents($path);
        $read = @parse_ini_string($text, false, INI_SCANNER_RAW);
        if ($read === false) {
            // Who wrote of denying does not want the opposite for a slip of the pen.
            $this->denies = stripos($text, 'deny') !== false;
            $this->trouble = 'palisade.ini cannot be read';
            return;
        }
        foreach ($read as $name => $value) {
            $value = is_string($value) ? trim($value, " \t\"'") : '';
            if ($name === 'socket') {
                $this->socket = $value;
            } elseif ($name === 'on_failure' && ($value === 'proceed' || $value === 'deny')) {
                $this->denies = $value === 'deny';
            } elseif ($name === 'send_secrets') {
                $this->sendSecrets = preg_split('/[\s,]+/', $value, -1, PREG_SPLIT_NO_EMPTY) ?: [];
            } elseif (isset($this->numbers[$name]) && preg_match('/^[0-9]{1,5}$/', $value) === 1) {
                $this->numbers[$name] = (int) $value;
            } else {
                $this->denies = $this->denies || stripos($text, 'deny') !== false;
                $this->trouble = 'palisade.ini has a line that it cannot have: ' . $name;
            }
        }
    }

    /** Connects and writes the call; nothing here waits longer than until `$end`. */
    private function send(array $call, float $end, string $path)
    {
        $body = self::json($call);
        if (strlen($body) > self::MAX_SENT) {
            throw new PalisadeFailure('the call is too long');
        }
        $request = "POST $path HTTP/1.1\r\nhost: palisade\r\ncontent-type: application/json\r\n"
            . 'content-length: ' . strlen($body) . "\r\nconnection: close\r\n\r\n" . $body;
        $stream = $this->connect($end);
        stream_set_blocking($stream, false);
        while ($request !== '') {
            self::await($stream, true, $end, 'did not take the call in time');
            $written = @fwrite($stream, $request);
            if ($written === false) {
                fclose($stream);
                throw new PalisadeFailure('the host did not take the call');
            }
            $request = (string) substr($request, $written);
        }
        return $stream;
    }

    private function connect(float $end)
    {
        do {
            $left = max(0.001, $end - self::now());
            $stream = @stream_socket_client('unix://' . $this->socket, $number, $error, $left);
            if ($stream !== false) {
                return $stream;
            }
            // A host that has as many callers waiting as it takes says EAGAIN.
            $again = $number === 11 && self::now() < $end;
            if ($again) {
                usleep(2000);
            }
        } while ($again);
        throw new PalisadeFailure('the host cannot be reached: ' . ($error !== '' ? $error : 'error ' . $number));
    }

    private static function answer($stream, float $end): array
    {
        $read = '';
        $whole = null;
        while ($whole === null || strlen($read) < $whole) {
            self::await($stream, false, $end, 'did not answer in time');
            $part = @fread($stream, 65536);
            if ($part === false || ($part === '' && feof($stream))) {
                throw new PalisadeFailure('the host ended the connection');
            }
            $read .= $part;
            if ($whole === null) {
                $whole = self::length($read);
            }
            if (strlen($read) > self::MAX_ANSWER || $whole > self::MAX_ANSWER) {
                throw new PalisadeFailure('the host gave an answer that is too long');
            }
        }
        return self::parsed($read, $whole);
    }

    /** How long the whole answer is, once its head is there. */
    private static function length(string $read)
    {
        $head = strpos($read, "\r\n\r\n");
        if ($head === false) {
            if (strncmp($read, 'HTTP/1.', min(7, strlen($read))) !== 0 || strlen($read) > 65536) {
                throw new PalisadeFailure('the host gave an answer that is no HTTP');
            }
            return null;
        }
        if (preg_match('/^HTTP\/1\.[01] [0-9]{3}\b/', $read) !== 1
            || preg_match('/\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n/i', substr($read, 0, $head + 2), $found) !== 1
        ) {
            throw new PalisadeFailure('the host gave an answer that is no HTTP');
        }
        return $head + 4 + (int) $found[1];
    }

    private static function parsed(string $read, int $whole): array
    {
        $head = strpos($read, "\r\n\r\n");
        $body = json_decode(substr($read, $head + 4, $whole - $head - 4), true);
        $status = (int) substr($read, 9, 3);
        if ($status !== 200) {
            $message = is_array($body) ? ($body['error']['message'] ?? null) : null;
            throw new PalisadeFailure("the host refused the call with status $status: "
                . (is_string($message) ? $message : 'it does not say why'));
        }
        if (!is_array($body) || !is_string($body['stdout'] ?? null)) {
            throw new PalisadeFailure('the host gave an answer that is none');
        }
        return ['stdout' => $body['stdout'], 'note' => is_string($body['note'] ?? null) ? $body['note'] : ''];
    }

    /** What the host wants returned, from its answer. */
    public static function returned(array $answer)
    {
        $returned = json_decode($answer['stdout'], true);
        if ($returned === null && trim($answer['stdout']) !== 'null') {
            throw new PalisadeFailure('the host gave an answer that is none');
        }
        return $returned;
    }

    private static function await($stream, bool $toWrite, float $end, string $otherwise): void
    {
        if (!self::isReady($stream, $toWrite, $end)) {
            throw new PalisadeFailure('the host ' . $otherwise);
        }
    }

    /** Waits until the stream can be read or written, or until `$end`. */
    private static function isReady($stream, bool $toWrite, float $end): bool
    {
        do {
            $left = $end - self::now();
            if ($left <= 0) {
                return false;
            }
            $read = $toWrite ? [] : [$stream];
            $write = $toWrite ? [$stream] : [];
            $none = [];
            $microseconds = (int) ceil($left * 1000000);
            $ready = @stream_select($read, $write, $none, intdiv($microseconds, 1000000), $microseconds % 1000000);
            // A signal ends the wait before its time.
        } while ($ready === false);
        return $ready > 0;
    }

    /** Seconds on a clock that nobody sets. */
    private static function now(): float
    {
        return function_exists('hrtime') ? hrtime(true) / 1e9 : microtime(true);
    }
}

/** Makes what a panel hands over safe to send: no objects, no secrets, no cycles, nothing that is too much. */
final class PalisadeValues
{
    /** Levels in one another, members of one level, and all members and bytes together. */
    const DEPTH = 8;
    const MEMBERS = 500;
    const ALL = 5000;
    const BYTES = 512 * 1024;

    /** Parts of a name that say that its value is a secret. */
    const SECRET = '/passw|secret|token|accesshash|passphrase|private.?key|ssl.?key|api.?key|dkim.?private|^pass$|pwd|cvv|cc.?num|card.?num|authdata'
        . '|securityqans|epp.?code|^userinput$/i';

    /** What was made shorter or left out, by name. */
    public $cut = [];

    private $longest;
    private $sent;
    private $left = self::ALL;
    private $room = self::BYTES;

    /** @param array $sent names of secrets that are sent */
    public function __construct(int $longest, array $sent)
    {
        $this->longest = $longest;
        $this->sent = $sent;
    }

    /** What the panel hands over; modules have their parameters one level down. */
    public function outermost(array $values): array
    {
        $members = $this->members($values, 0, true);
        if (is_array($values['params'] ?? null)) {
            $members['params'] = (object) $this->members($values['params'], 1, true);
        }
        return $members;
    }

    /** The members of an array, by names that mean nothing to the host. Secrets are sent from outside only. */
    private function members(array $values, int $depth, bool $isOutside): array
    {
        $members = [];
        foreach ($values as $name => $value) {
            $name = $this->name((string) $name);
            if (count($members) >= self::MEMBERS || $this->left <= 0) {
                $this->cut($name);
                break;
            }
            $this->left--;
            if (preg_match(self::SECRET, $name) === 1) {
                if ($isOutside && in_array($name, $this->sent, true) && is_scalar($value)) {
                    $members[$name] = ['$secret' => $this->value($name, $value, $depth + 1)];
                }
            } elseif ($depth > 0 || $name !== 'params' || !is_array($value)) {
                $plain = $this->value($name, $value, $depth + 1);
                if ($plain !== null || $value === null) {
                    $members[$name] = $plain;
                }
            }
        }
        return $members;
    }

    /** One value, or null for what cannot be said. */
    private function value(string $name, $value, int $depth)
    {
        if ($value === null || is_bool($value) || is_int($value)) {
            return $value;
        }
        if (is_float($value)) {
            return is_finite($value) ? $value : null;
        }
        if (is_string($value)) {
            return $this->text($name, $value);
        }
        if (is_object($value)) {
            $value = $this->object($value);
            return is_array($value) ? $this->nested($name, $value, $depth) : $this->value($name, $value, $depth);
        }
        return is_array($value) ? $this->nested($name, $value, $depth) : null;
    }

    private function nested(string $name, array $values, int $depth)
    {
        if ($depth >= self::DEPTH) {
            $this->cut($name);
            return null;
        }
        $members = $this->members($values, $depth, false);
        $isList = $members === [] ? $values === [] : array_keys($members) === range(0, count($members) - 1);
        return $isList ? array_values($members) : (object) $members;
    }

    /** An object as its identifier, its date, its name, or its public values; a list of objects as a list. */
    private function object($object)
    {
        try {
            if ($object instanceof \DateTimeInterface) {
                return $object->format('Y-m-d\TH:i:sP');
            }
            if ($object instanceof \Closure) {
                return null;
            }
            if ($object instanceof \stdClass) {
                return get_object_vars($object);
            }
            if ($object instanceof \IteratorAggregate || $object instanceof \ArrayIterator) {
                $items = [];
                foreach ($object as $key => $item) {
                    if (count($items) > self::MEMBERS) {
                        break;
                    }
                    $items[is_scalar($key) ? $key : count($items)] = $item;
                }
                return $items;
            }
            if (method_exists($object, 'getKey')) {
                $key = $object->getKey();
                return is_scalar($key) ? $key : null;
            }
            if (isset($object->id) && is_scalar($object->id)) {
                return $object->id;
            }
            return method_exists($object, '__toString') ? (string) $object : null;
        } catch (\Throwable $thrown) {
            return null;
        }
    }

    private function text(string $name, string $text)
    {
        $longest = min($this->longest, $this->room);
        if (strlen($text) > $longest) {
            $this->cut($name);
            $isText = preg_match('//u', $text) === 1;
            $text = substr($text, 0, $longest);
            // A character is not cut in two.
            $text = $isText ? preg_replace('/[\xC0-\xFF][\x80-\xBF]*$/', '', $text) : $text;
        }
        // Out of memory is no error that could be caught.
        $this->room -= strlen($text);
        return preg_match('//u', $text) === 1 ? $text : ['$bytes' => base64_encode($text)];
    }

    /** A name that is text, not too long, and none of the host's own: those begin with one `$`. */
    private function name(string $name): string
    {
        if (preg_match('//u', $name) !== 1) {
            $name = bin2hex(substr($name, 0, 100));
        }
        if (strlen($name) > 200) {
            $name = preg_replace('/[\xC0-\xFF][\x80-\xBF]*$/', '', substr($name, 0, 200));
        }
        return strncmp($name, '$', 1) === 0 ? '$' . $name : $name;
    }

    private function cut(string $name): void
    {
        if (count($this->cut) < 20 && !in_array($name, $this->cut, true)) {
            $this->cut[] = $name;
        }
    }
}
