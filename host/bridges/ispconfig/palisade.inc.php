<?php
/**
 * Palisade for ISPConfig: forwards events of the server and of the interface to the host.
 *
 * The same file serves both. For the server it stands in `server/plugins-available/` with a link in
 * `server/plugins-enabled/`, for the interface in `interface/lib/plugins/`; each time `palisade-client.php` and
 * `palisade-hooks.json` stand beside it. `palisade bridge register ispconfig` writes the list of events that installed
 * extensions subscribe to; without it nothing is registered. `palisade.ini` beside it can change what stands in
 * NUMBERS, `socket`, `on_failure` and `send_secrets`, as for the other panels.
 *
 * ISPConfig loads a class of the file's name, so that the file and the class keep theirs.
 */

require_once __DIR__ . '/palisade-client.php';

class palisade
{
    /** Milliseconds. */
    const NUMBERS = ['before_ms' => 500, 'after_ms' => 250, 'grace_ms' => 20];

    /** Events of the interface whose names have no colon. */
    const SESSIONS = ['login', 'login_failed', 'logout', 'password_reset'];

    public $plugin_name = 'palisade';
    public $class_name = 'palisade';

    private $client;

    /** The server's installer asks whether to enable it. */
    public function onInstall()
    {
        return true;
    }

    /** Registers the events of this side that are in the list. */
    public function onLoad()
    {
        global $app;
        try {
            $client = $this->client();
            if ($client->trouble !== '') {
                PalisadeClient::once($client->trouble, [$this, 'log']);
            }
            if (!$client->isRegistered) {
                $none = 'there is no palisade-hooks.json, so nothing is registered: `palisade bridge register ispconfig`';
                PalisadeClient::once($none, [$this, 'log']);
            }
            $isServer = isset($app->plugins);
            $plugins = $isServer ? $app->plugins : $app->plugin;
            foreach ($client->hooks as $event) {
                if ($isServer !== self::isOfInterface($event)) {
                    $plugins->registerEvent($event, $this->plugin_name, 'forward');
                }
            }
        } catch (\Throwable $thrown) {
            $this->log(get_class($thrown) . ' at line ' . $thrown->getLine());
        }
    }

    /** Forwards one event. ISPConfig reads nothing of what it returns. */
    public function forward($event, $data)
    {
        $isBefore = false;
        try {
            $client = $this->client();
            $isBefore = preg_match('/(^|:)on_before_/', (string) $event) === 1;
            $call = $this->call((string) $event, $isBefore, $data);
            if (!$isBefore) {
                $client->tell($call, $client->number('after_ms'), $client->number('grace_ms'));
                return true;
            }
            $answer = PalisadeClient::returned($client->ask($call, $client->number('before_ms')));
            $this->refuse((string) $event, is_array($answer) ? ($answer['errors'] ?? []) : []);
        } catch (\Throwable $thrown) {
            $why = $thrown instanceof PalisadeFailure ? $thrown->getMessage() : get_class($thrown);
            $this->log("$event: $why");
            if ($isBefore && $this->client !== null && $this->client->denies) {
                $this->refuse((string) $event, [PalisadeClient::DENIED]);
            }
        }
        return true;
    }

    private function client()
    {
        if ($this->client === null) {
            $this->client = new PalisadeClient(__DIR__, self::NUMBERS);
        }
        return $this->client;
    }

    private static function isOfInterface($event)
    {
        return strpos($event, ':') !== false || in_array($event, self::SESSIONS, true);
    }

    private function call($event, $isBefore, $data)
    {
        $document = ['phase' => $isBefore ? 'before' : 'after'];
        $new = [];
        $old = [];
        if (is_array($data) && (isset($data['new']) || isset($data['old']))) {
            $new = is_array($data['new'] ?? null) ? $data['new'] : [];
            $old = is_array($data['old'] ?? null) ? $data['old'] : [];
        } elseif (is_object($data)) {
            $new = isset($data->dataRecord) && is_array($data->dataRecord) ? $data->dataRecord : [];
            $old = isset($data->oldDataRecord) && is_array($data->oldDataRecord) ? $data->oldDataRecord : [];
            if (isset($data->id) && is_scalar($data->id)) {
                $document['object'] = (string) $data->id;
            }
        } elseif (is_array($data)) {
            $new = $data;
        } elseif (is_scalar($data)) {
            $new = ['username' => $data];
        }
        $user = $_SESSION['s']['user'] ?? null;
        if (is_array($user) && is_scalar($user['userid'] ?? null)) {
            $isAdmin = ($user['typ'] ?? '') === 'admin';
            $document['actor'] = ['role' => $isAdmin ? 'administrator' : 'customer', 'id' => (string) $user['userid']];
        } elseif (PHP_SAPI === 'cli') {
            $document['actor'] = ['role' => 'system', 'id' => 'server'];
        }
        $address = $_SERVER['REMOTE_ADDR'] ?? null;
        if (is_string($address) && filter_var($address, FILTER_VALIDATE_IP) !== false) {
            $document['address'] = $address;
        }
        $secrets = $this->client()->sendSecrets;
        return PalisadeClient::call('ispconfig', $event, $document, ['vars' => $new, 'old' => $old], $secrets);
    }

    /** Keeps the form from being saved: it looks for messages after this event. A deletion has no such look. */
    private function refuse($event, array $errors)
    {
        global $app;
        $errors = array_filter($errors, 'is_string');
        if ($errors === []) {
            return;
        }
        $message = implode('<br />', $errors);
        if (preg_match('/on_before_delete$/', $event) === 1) {
            $app->error($message);
        } else {
            $app->tform->errorMessage .= $message . '<br />';
        }
    }

    /** Logs a line where the operator of the panel looks. */
    public function log($line)
    {
        global $app;
        try {
            $app->log('Palisade: ' . $line, defined('LOGLEVEL_WARN') ? LOGLEVEL_WARN : 1);
        } catch (\Throwable $thrown) {
            error_log('Palisade: ' . $line);
        }
    }
}
