<?php
/**
 * Palisade for WHMCS: forwards action hooks to the host, and returns what the host says.
 *
 * It stands in `includes/hooks/` beside `palisade-client.php`. `palisade bridge register whmcs` writes
 * `palisade-hooks.json` beside it, with the points that installed extensions subscribe to; without that list nothing
 * is hooked. `palisade.ini` beside it can change what stands in NUMBERS, and:
 *
 *     socket = /run/palisade/palisade.sock
 *     on_failure = deny                         refuse what cannot be asked about; `proceed` if it is not said
 *     send_secrets = password, serverpassword   secrets that the host gets; none if it is not said
 *
 * Whatever fails here is logged, and the page goes on.
 */

declare(strict_types=1);

if (!function_exists('add_hook')) {
    return;
}

if (!class_exists('PalisadeWhmcs', false)) {
    require_once __DIR__ . '/palisade-client.php';

    final class PalisadeWhmcs
    {
        /** Milliseconds, and the place among other hooks: those with a lower number come first. */
        const NUMBERS = ['before_ms' => 150, 'page_ms' => 50, 'after_ms' => 50, 'grace_ms' => 20, 'priority' => 50];

        /** What a person reads when there is no answer stands where this does. */
        const MESSAGE = '%';

        /**
         * The points before something is done, the first that fits counts: whether a page waits, and what denies.
         * The host has the same points with all that it can answer. What fits none comes when all is done.
         */
        const BEFORE = [
            ['/^PreModule/', 'before', ['abortcmd' => true]],
            ['/^PreRegistrar/', 'before', ['abortWithError' => self::MESSAGE]],
            ['/^(Client|Contact)DetailsValidation$/', 'before', [self::MESSAGE]],
            ['/^ShoppingCartValidate/', 'before', [self::MESSAGE]],
            ['/^CartSubdomainValidation$/', 'before', [self::MESSAGE]],
            ['/^TicketOpenValidation$/', 'before', self::MESSAGE],
            ['/^EmailPreSend$/', 'before', ['abortsend' => true]],
            ['/^EmailPreLog$/', 'before', ['abortLogging' => true]],
            ['/^PreInvoiceAutomaticCancellation$/', 'before', ['abortCancel' => true]],
            ['/^TicketPiping$/', 'before', ['skipProcessing' => true]],
            ['/^Order(Product|Domain|Addon)PricingOverride$/', 'page', null],
            ['/^OrderProductUpgradeOverride$/', 'page', null],
            ['/^PreUpgradeCheckout$/', 'before', null],
            ['/^PremiumPriceOverride$/', 'page', ['noSale' => true]],
            ['/^RunFraudCheck$/', 'before', null],
            ['/^AdminAreaPage$|^ClientAreaPage/', 'page', null],
            ['/(Output|TabFields|Navbars?|Sidebar)$/', 'page', null],
            ['/^(AcceptOrder|DomainValidation|NotificationPreSend)$/', 'before', null],
            ['/^Pre/', 'before', null],
        ];

        /** What is returned here decides who is let in, so that observing them would change that. */
        const NEVER = ['AuthAdmin', 'AuthAdminApi', 'ClientLoginShare'];

        private $client;

        /** Whether this writes to the panel's log, which raises hooks of its own. */
        private $isLogging = false;

        /** Whether the host did not answer in this request: pages ask no more. */
        private $isAway = false;

        public function __construct(string $directory)
        {
            $this->client = new PalisadeClient($directory, self::NUMBERS);
        }

        /** Hooks every point that is registered. */
        public function hook(): void
        {
            if ($this->client->trouble !== '') {
                PalisadeClient::once($this->client->trouble, [$this, 'log']);
            }
            if (!$this->client->isRegistered) {
                $none = 'there is no palisade-hooks.json, so nothing is hooked: `palisade bridge register whmcs`';
                PalisadeClient::once($none, [$this, 'log']);
            }
            foreach ($this->client->hooks as $point) {
                if (in_array($point, self::NEVER, true)) {
                    PalisadeClient::once("$point decides who logs in and is not hooked", [$this, 'log']);
                    continue;
                }
                add_hook($point, $this->client->number('priority'), function (...$given) use ($point) {
                    return $this->forward($point, $given);
                });
            }
        }

        /** Forwards one call of a point, and returns what the hook returns. */
        private function forward(string $point, array $given)
        {
            if ($this->isLogging) {
                return null;
            }
            list($wait, $denial) = self::family($point);
            if ($wait === 'page' && $this->isAway) {
                return $this->onFailure($denial);
            }
            try {
                return $this->ask($point, $wait, $given);
            } catch (\Throwable $thrown) {
                $this->isAway = true;
                // A page is shown too often for the panel's log.
                $this->failed($point, $thrown, $wait === 'page');
                return $this->onFailure($denial);
            }
        }

        private function ask(string $point, string $wait, array $given)
        {
            $call = $this->call($point, $wait === 'after' ? 'after' : 'before', $given);
            if ($wait === 'after') {
                $this->client->tell($call, $this->client->number('after_ms'), $this->client->number('grace_ms'));
                return null;
            }
            $answer = $this->client->ask($call, $this->client->number($wait . '_ms'));
            $returned = PalisadeClient::returned($answer);
            if ($answer['note'] !== '' && $wait !== 'page') {
                $this->log($answer['note']);
            }
            return $returned;
        }

        private function call(string $point, string $phase, array $given): array
        {
            $vars = is_array($given[0] ?? null) ? $given[0] : $given;
            // Who changes a client that exists is not told which.
            // Only an administrator's form says so: a visitor could name anybody.
            if ($point === 'ClientDetailsValidation' && !isset($vars['userid'])
                && isset($_SESSION['adminid']) && is_numeric($_REQUEST['userid'] ?? null)
            ) {
                $vars['userid'] = (int) $_REQUEST['userid'];
            }
            $document = ['phase' => $phase];
            $actor = self::actor();
            if ($actor !== null) {
                $document['actor'] = $actor;
            }
            $address = $_SERVER['REMOTE_ADDR'] ?? null;
            if (is_string($address) && filter_var($address, FILTER_VALIDATE_IP) !== false) {
                $document['address'] = $address;
            }
            return PalisadeClient::call('whmcs', $point, $document, ['vars' => $vars], $this->client->sendSecrets);
        }

        /** Whose session this is. */
        private static function actor()
        {
            foreach (['adminid' => 'administrator', 'uid' => 'customer'] as $key => $role) {
                $id = $_SESSION[$key] ?? null;
                if ((is_int($id) || is_string($id)) && preg_match('/^[1-9][0-9]{0,18}$/', (string) $id) === 1) {
                    return ['role' => $role, 'id' => (string) $id];
                }
            }
            return PHP_SAPI === 'cli' ? ['role' => 'system', 'id' => 'cron'] : null;
        }

        /** How long the page waits, by a name, and what denies. */
        private static function family(string $point): array
        {
            foreach (self::BEFORE as list($points, $wait, $denial)) {
                if (preg_match($points, $point) === 1) {
                    return [$wait, $denial];
                }
            }
            return ['after', null];
        }

        private function onFailure($denial)
        {
            if (!$this->client->denies || $denial === null) {
                return null;
            }
            $text = function ($value) {
                return $value === self::MESSAGE ? PalisadeClient::DENIED : $value;
            };
            return is_array($denial) ? array_map($text, $denial) : $text($denial);
        }

        private function failed(string $point, \Throwable $thrown, bool $isPage): void
        {
            // Of anything but its own failures only the kind is said: the message could hold a value.
            $why = $thrown instanceof PalisadeFailure ? $thrown->getMessage() : get_class($thrown);
            if ($isPage) {
                error_log("Palisade: $point: $why");
            } else {
                $this->log("$point: $why");
            }
        }

        /** Logs a line where the operator of the panel looks. */
        public function log(string $line): void
        {
            if ($this->isLogging) {
                return;
            }
            $this->isLogging = true;
            try {
                if (function_exists('logActivity')) {
                    logActivity('Palisade: ' . htmlspecialchars($line, ENT_QUOTES, 'UTF-8', false));
                } else {
                    error_log('Palisade: ' . $line);
                }
            } catch (\Throwable $thrown) {
                error_log('Palisade: ' . $line);
            } finally {
                $this->isLogging = false;
            }
        }
    }
}

try {
    (new PalisadeWhmcs(__DIR__))->hook();
} catch (\Throwable $thrown) {
    error_log('Palisade: ' . get_class($thrown) . ' at line ' . $thrown->getLine());
}
