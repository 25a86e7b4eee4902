<?php
/**
 * Palisade for Plesk: tells the host of what was done, in the panel's own request and without waiting.
 *
 * It does what an event handler with `palisade-hook plesk <event>` does, without a process for each event; use one of
 * the two. `palisade-client.php` stands beside it, and `palisade bridge register plesk` writes `palisade-hooks.json`
 * there with the events that installed extensions subscribe to; without it nothing is told. `palisade.ini` beside it
 * can change what stands in NUMBERS, `socket` and `send_secrets`.
 *
 * Plesk heeds nothing that a listener says.
 */

require_once __DIR__ . '/palisade-client.php';

class Modules_Palisade_EventListener implements EventListener
{
    /** Milliseconds. A listener that takes long keeps the page waiting. */
    const NUMBERS = ['send_ms' => 50, 'grace_ms' => 20];

    private $client;

    public function __construct()
    {
        try {
            $this->client = new PalisadeClient(__DIR__, self::NUMBERS);
            if ($this->client->trouble !== '') {
                PalisadeClient::once($this->client->trouble, [$this, 'log']);
            }
            if (!$this->client->isRegistered) {
                $none = 'there is no palisade-hooks.json, so nothing is told: `palisade bridge register plesk`';
                PalisadeClient::once($none, [$this, 'log']);
            }
        } catch (\Throwable $thrown) {
            $this->log(get_class($thrown) . ' at line ' . $thrown->getLine());
        }
    }

    /** The events to be told of. */
    public function filterActions()
    {
        return $this->client === null ? [] : $this->client->hooks;
    }

    /** Tells of one event. */
    public function handleEvent($objectType, $objectId, $action, $oldValues, $newValues)
    {
        // Plesk may take an empty filter for none.
        if ($this->client === null || !$this->client->hasHook((string) $action)) {
            return;
        }
        try {
            $env = $this->variables('OLD_', $oldValues) + $this->variables('NEW_', $newValues);
            $arguments = [(string) $action];
            if (is_scalar($objectId) && preg_match('/^[1-9][0-9]*$/', (string) $objectId) === 1) {
                array_push($arguments, self::raw((string) $objectType), (string) $objectId);
            }
            $call = ['dialect' => 'plesk', 'arguments' => $arguments, 'env' => (object) $env];
            $this->client->tell($call, $this->client->number('send_ms'), $this->client->number('grace_ms'));
        } catch (\Throwable $thrown) {
            $this->log("$action: " . ($thrown instanceof PalisadeFailure ? $thrown->getMessage() : get_class($thrown)));
        }
    }

    /** The values by the names that Plesk gives them in the environment of an event handler. */
    private function variables($prefix, $values)
    {
        $variables = [];
        foreach (is_array($values) ? $values : [] as $key => $value) {
            $key = (string) $key;
            if (count($variables) >= PalisadeValues::MEMBERS) {
                break;
            }
            $isSecret = preg_match(PalisadeValues::SECRET, $key) === 1;
            $isWithheld = $isSecret && !in_array($key, $this->client->sendSecrets, true);
            if ($isWithheld || !(is_scalar($value) || $value === null) || preg_match('//u', $key) !== 1) {
                continue;
            }
            $name = $prefix . strtoupper((string) preg_replace('/\s+/', '_', trim($key)));
            $variables[$name] = self::raw(substr((string) $value, 0, 65536));
        }
        return $variables;
    }

    /** A text, or its bytes if it is none. */
    private static function raw($text)
    {
        return preg_match('//u', $text) === 1 ? $text : ['$bytes' => base64_encode($text)];
    }

    /** Logs a line where the operator of the panel looks. */
    public function log($line)
    {
        if (class_exists('pm_Log')) {
            pm_Log::warn('Palisade: ' . $line);
        } else {
            error_log('Palisade: ' . $line);
        }
    }
}

return new Modules_Palisade_EventListener();
