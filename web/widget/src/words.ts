// All that the chat says, in each language: English, French, German, Spanish, Chinese, Arabic. In curly brackets stands what is put in.
// Each phrase is an export of its own, so that the button on the page carries its one alone.

export type Words = readonly [en: string, fr: string, de: string, es: string, zh: string, ar: string];

/** The words in a language, with what belongs into them. */
export function phrase(words: Words, language: number, values: Record<string, string | number> = {}): string {
  return words[language]!.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

// The button on the page.
export const chat: Words = ["Chat", "Discussion", "Chat", "Chat", "聊天", "محادثة"];
export const unread: Words = ["Unread messages: {count}", "Messages non lus : {count}", "Ungelesene Nachrichten: {count}", "Mensajes sin leer: {count}", "未读消息：{count}", "رسائل غير مقروءة: {count}"];

// Who is there.
export const chatWith: Words = ["Chat with {name}", "Discussion avec {name}", "Chat mit {name}", "Chat con {name}", "与 {name} 聊天", "محادثة مع {name}"];
export const hello: Words = ["Hello! How can we help?", "Bonjour ! Comment pouvons-nous vous aider ?", "Hallo! Wie können wir helfen?", "¡Hola! ¿En qué podemos ayudarte?", "您好！有什么可以帮您？", "مرحبًا! كيف يمكننا مساعدتك؟"];
export const weAreHere: Words = ["We are here", "Nous sommes là", "Wir sind da", "Estamos aquí", "我们在线", "نحن هنا"];
export const repliesIn: Words = ["Usually replies in {time}", "Répond en général en {time}", "Antwortet meist in {time}", "Suele responder en {time}", "通常在{time}内回复", "نرد عادةً خلال {time}"];
export const away: Words = ["We are away", "Nous sommes absents", "Wir sind nicht da", "No estamos disponibles", "我们暂时离开", "نحن غير متاحين الآن"];
export const awayUntil: Words = ["Away until {time}", "De retour {time}", "Wieder da: {time}", "Volvemos: {time}", "{time} 回来", "نعود {time}"];
export const aFewMinutes: Words = ["a few minutes", "quelques minutes", "wenigen Minuten", "unos minutos", "几分钟", "دقائق قليلة"];
export const anHour: Words = ["an hour", "une heure", "einer Stunde", "una hora", "一小时", "ساعة"];
export const aFewHours: Words = ["a few hours", "quelques heures", "wenigen Stunden", "unas horas", "几小时", "ساعات قليلة"];
export const aDay: Words = ["a day", "un jour", "einem Tag", "un día", "一天", "يوم"];
export const typing: Words = ["{name} is typing…", "{name} écrit…", "{name} schreibt…", "{name} está escribiendo…", "{name} 正在输入…", "{name} يكتب…"];
export const severalTyping: Words = ["Several people are typing…", "Plusieurs personnes écrivent…", "Mehrere schreiben…", "Varias personas están escribiendo…", "多人正在输入…", "عدة أشخاص يكتبون…"];

// The conversation.
export const conversation: Words = ["Conversation", "Conversation", "Unterhaltung", "Conversación", "对话", "المحادثة"];
export const you: Words = ["You", "Vous", "Sie", "Tú", "您", "أنت"];
export const says: Words = ["{name} says: {text}", "{name} dit : {text}", "{name} sagt: {text}", "{name} dice: {text}", "{name} 说：{text}", "{name} يقول: {text}"];
export const newHere: Words = ["New", "Nouveau", "Neu", "Nuevo", "新消息", "جديد"];
export const newMessages: Words = ["New messages", "Nouveaux messages", "Neue Nachrichten", "Mensajes nuevos", "新消息", "رسائل جديدة"];
export const removed: Words = ["This message was removed.", "Ce message a été supprimé.", "Diese Nachricht wurde entfernt.", "Este mensaje se eliminó.", "此消息已删除。", "أُزيلت هذه الرسالة."];
export const edited: Words = ["edited", "modifié", "bearbeitet", "editado", "已编辑", "معدّلة"];
export const closed: Words = ["This conversation is closed. Write to open it again.", "Cette conversation est close. Écrivez pour la rouvrir.", "Diese Unterhaltung ist beendet. Schreiben Sie, um sie wieder zu öffnen.", "Esta conversación está cerrada. Escribe para reabrirla.", "此对话已结束。发送消息即可重新开始。", "هذه المحادثة مغلقة. اكتب لفتحها من جديد."];

// What one writes.
export const message: Words = ["Message", "Message", "Nachricht", "Mensaje", "消息", "رسالة"];
export const write: Words = ["Write a message…", "Écrivez un message…", "Nachricht schreiben…", "Escribe un mensaje…", "输入消息…", "اكتب رسالة…"];
export const seenAsTyped: Words = ["Our team sees what you type before you send it.", "Notre équipe voit ce que vous écrivez avant l’envoi.", "Unser Team sieht, was Sie schreiben, bevor Sie es senden.", "Nuestro equipo ve lo que escribes antes de que lo envíes.", "在您发送之前，我们的团队就能看到您输入的内容。", "يرى فريقنا ما تكتبه قبل إرساله."];
export const send: Words = ["Send", "Envoyer", "Senden", "Enviar", "发送", "إرسال"];
export const sending: Words = ["Sending…", "Envoi…", "Wird gesendet…", "Enviando…", "发送中…", "جارٍ الإرسال…"];
export const sent: Words = ["Sent", "Envoyé", "Gesendet", "Enviado", "已发送", "أُرسلت"];
export const notSent: Words = ["Not sent", "Non envoyé", "Nicht gesendet", "No enviado", "未发送", "لم تُرسل"];
export const sendAgain: Words = ["Send again", "Renvoyer", "Erneut senden", "Enviar de nuevo", "重新发送", "إعادة الإرسال"];
export const discard: Words = ["Discard", "Supprimer", "Verwerfen", "Descartar", "丢弃", "تجاهل"];

// Files.
export const attach: Words = ["Attach files", "Joindre des fichiers", "Dateien anhängen", "Adjuntar archivos", "添加文件", "إرفاق ملفات"];
export const filesToSend: Words = ["Files to send", "Fichiers à envoyer", "Zu sendende Dateien", "Archivos por enviar", "待发送的文件", "ملفات للإرسال"];
export const tooManyFiles: Words = ["A message takes at most {max} files.", "Un message contient au plus {max} fichiers.", "Eine Nachricht fasst höchstens {max} Dateien.", "Un mensaje admite como máximo {max} archivos.", "一条消息最多 {max} 个文件。", "تتسع الرسالة لـ {max} ملفات على الأكثر."];
export const fileTooLarge: Words = ["{name} is too large: {size}, and a file has at most {max}.", "{name} est trop volumineux : {size}, et un fichier fait au plus {max}.", "{name} ist zu groß: {size}, und eine Datei hat höchstens {max}.", "{name} es demasiado grande: {size}, y un archivo tiene como máximo {max}.", "{name} 太大：{size}，每个文件最大 {max}。", "{name} كبير جدًا: {size}، والحد الأقصى للملف {max}."];
export const sendingFile: Words = ["Sending {name}", "Envoi de {name}", "{name} wird gesendet", "Enviando {name}", "正在发送 {name}", "جارٍ إرسال {name}"];
export const takeBack: Words = ["Take {name} back", "Retirer {name}", "{name} zurücknehmen", "Retirar {name}", "撤回 {name}", "سحب {name}"];
export const fileUnderway: Words = ["A file is still on its way, or was not sent: wait for it, or take it back.", "Un fichier est encore en route, ou n’a pas été envoyé : attendez, ou retirez-le.", "Eine Datei ist noch unterwegs oder wurde nicht gesendet: Warten Sie, oder nehmen Sie sie zurück.", "Un archivo sigue en camino o no se envió: espera o retíralo.", "有文件仍在上传或未能发送：请等待，或将其撤回。", "ما زال ملف في الطريق أو لم يُرسل: انتظر أو اسحبه."];
export const wordsFirst: Words = ["Add a few words, so that we know what it is about.", "Ajoutez quelques mots, pour que nous sachions de quoi il s’agit.", "Schreiben Sie ein paar Worte dazu, damit wir wissen, worum es geht.", "Añade unas palabras para que sepamos de qué se trata.", "请附上几句话，让我们知道是什么事。", "أضف بضع كلمات لنعرف ما الأمر."];
export const download: Words = ["Download {name}", "Télécharger {name}", "{name} herunterladen", "Descargar {name}", "下载 {name}", "تنزيل {name}"];
export const enlarge: Words = ["Show {name} larger", "Agrandir {name}", "{name} vergrößern", "Ampliar {name}", "放大 {name}", "تكبير {name}"];
export const closePicture: Words = ["Close the picture", "Fermer l’image", "Bild schließen", "Cerrar la imagen", "关闭图片", "إغلاق الصورة"];

// The customer's screen.
export const screen: Words = ["Your screen", "Votre écran", "Ihr Bildschirm", "Tu pantalla", "您的屏幕", "شاشتك"];
export const sendPicture: Words = ["Attach a picture of the screen", "Joindre une image de l’écran", "Bild des Bildschirms anhängen", "Adjuntar una imagen de la pantalla", "附上屏幕截图", "إرفاق صورة للشاشة"];
export const showScreen: Words = ["Show the screen live", "Montrer l’écran en direct", "Bildschirm live zeigen", "Mostrar la pantalla en vivo", "实时展示屏幕", "عرض الشاشة مباشرة"];
export const asksScreen: Words = ["{name} asks to see your screen. You choose what is shown, and stop when you like.", "{name} demande à voir votre écran. Vous choisissez ce qui est montré et arrêtez quand vous voulez.", "{name} bittet darum, Ihren Bildschirm zu sehen. Sie wählen, was gezeigt wird, und beenden es, wann Sie möchten.", "{name} pide ver tu pantalla. Tú eliges qué se muestra y lo detienes cuando quieras.", "{name} 请求查看您的屏幕。展示什么由您选择，可随时停止。", "{name} يطلب رؤية شاشتك. أنت تختار ما يُعرض وتوقفه متى شئت."];
export const screenShown: Words = ["Your screen is shown live", "Votre écran est montré en direct", "Ihr Bildschirm wird live gezeigt", "Tu pantalla se muestra en vivo", "您的屏幕正在实时展示", "شاشتك معروضة مباشرة"];
export const stopShowing: Words = ["Stop", "Arrêter", "Beenden", "Detener", "停止", "إيقاف"];
export const pictureOfScreen: Words = ["This picture of your screen goes to {name} with your message. Is all of it meant for them?", "Cette image de votre écran part à {name} avec votre message. Tout ce qu’elle montre leur est-il destiné ?", "Dieses Bild Ihres Bildschirms geht mit Ihrer Nachricht an {name}. Ist alles darauf für sie bestimmt?", "Esta imagen de tu pantalla se envía a {name} con tu mensaje. ¿Es todo para ellos?", "这张屏幕截图将随您的消息发送给 {name}。其中内容都可以让对方看到吗？", "ستُرسل صورة شاشتك هذه إلى {name} مع رسالتك. هل كل ما فيها موجّه إليهم؟"];
export const attachPicture: Words = ["Attach", "Joindre", "Anhängen", "Adjuntar", "附上", "إرفاق"];
export const screenRefused: Words = ["The screen cannot be shown: it was not allowed, or this browser or page does not let it be.", "L’écran ne peut pas être montré : ce n’est pas autorisé, ou ce navigateur ou cette page ne le permet pas.", "Der Bildschirm kann nicht gezeigt werden: Es wurde nicht erlaubt, oder dieser Browser oder diese Seite lässt es nicht zu.", "No se puede mostrar la pantalla: no se permitió, o este navegador o esta página no lo permiten.", "无法展示屏幕：未获允许，或者此浏览器或页面不支持。", "لا يمكن عرض الشاشة: لم يُسمح بذلك، أو أن هذا المتصفح أو هذه الصفحة لا تتيحه."];

// Who one is.
export const details: Words = ["Your details", "Vos coordonnées", "Ihre Angaben", "Tus datos", "您的信息", "بياناتك"];
export const name: Words = ["Name", "Nom", "Name", "Nombre", "姓名", "الاسم"];
export const email: Words = ["E-mail address", "Adresse e-mail", "E-Mail-Adresse", "Correo electrónico", "电子邮箱", "البريد الإلكتروني"];
export const save: Words = ["Save", "Enregistrer", "Speichern", "Guardar", "保存", "حفظ"];
export const notNow: Words = ["Not now", "Plus tard", "Jetzt nicht", "Ahora no", "暂时不用", "ليس الآن"];
export const askEmail: Words = ["Where can we reach you, should you leave this page?", "Où vous joindre si vous quittez cette page ?", "Wo erreichen wir Sie, wenn Sie diese Seite verlassen?", "¿Dónde podemos escribirte si dejas esta página?", "如果您离开此页面，我们怎样联系您？", "أين نجدك إن غادرت هذه الصفحة؟"];
export const askEmailAway: Words = ["Leave a message and your e-mail address: we answer there.", "Laissez un message et votre adresse e-mail : nous y répondrons.", "Hinterlassen Sie eine Nachricht und Ihre E-Mail-Adresse: Dort antworten wir.", "Deja un mensaje y tu correo electrónico: responderemos ahí.", "请留言并留下邮箱，我们会在那里回复您。", "اترك رسالة وبريدك الإلكتروني وسنرد عليك هناك."];
export const emailKept: Words = ["Answers reach you at {email}, too.", "Les réponses vous parviendront aussi à {email}.", "Antworten erreichen Sie auch unter {email}.", "Las respuestas te llegarán también a {email}.", "回复也会发送到 {email}。", "تصلك الردود أيضًا على {email}."];
export const emailWrong: Words = ["This does not look like an e-mail address.", "Ceci ne ressemble pas à une adresse e-mail.", "Das sieht nicht nach einer E-Mail-Adresse aus.", "Esto no parece un correo electrónico.", "这看起来不像邮箱地址。", "لا يبدو هذا بريدًا إلكترونيًا."];
export const mailMe: Words = ["Mail me this conversation", "M’envoyer cette conversation par e-mail", "Diese Unterhaltung per E-Mail schicken", "Enviarme esta conversación por correo", "将此对话发送到我的邮箱", "أرسلوا لي هذه المحادثة بالبريد"];
export const mailed: Words = ["It is on its way to {email}.", "Elle est en route vers {email}.", "Sie ist unterwegs an {email}.", "Va de camino a {email}.", "正在发送到 {email}。", "إنها في الطريق إلى {email}."];
export const mailedBefore: Words = ["It was mailed to {email} within the last hour.", "Elle a été envoyée à {email} il y a moins d’une heure.", "Sie ging in der letzten Stunde schon an {email}.", "Ya se envió a {email} en la última hora.", "过去一小时内已发送到 {email}。", "أُرسلت إلى {email} خلال الساعة الماضية."];

// What one thought of it.
export const askRating: Words = ["How was this conversation?", "Comment était cette conversation ?", "Wie war diese Unterhaltung?", "¿Qué te pareció esta conversación?", "您对这次对话满意吗？", "كيف كانت هذه المحادثة؟"];
export const score: Words = ["{score} of 5", "{score} sur 5", "{score} von 5", "{score} de 5", "{score} 分（满分 5 分）", "{score} من 5"];
export const anythingElse: Words = ["Anything you would like to add?", "Souhaitez-vous ajouter quelque chose ?", "Möchten Sie etwas hinzufügen?", "¿Quieres añadir algo?", "还有什么想说的吗？", "هل تود إضافة شيء؟"];
export const thanks: Words = ["Thank you for telling us!", "Merci de nous l’avoir dit !", "Danke für Ihre Rückmeldung!", "¡Gracias por decírnoslo!", "感谢您的反馈！", "شكرًا لإخبارنا!"];

// Whether others may read it.
export const asksToRetell: Words = ["{name} asks to show this conversation in the public room “{room}”, so that others find the answer. There it is called:", "{name} demande à montrer cette conversation dans le salon public « {room} », pour que d’autres trouvent la réponse. Elle s’y appelle :", "{name} bittet darum, diese Unterhaltung im öffentlichen Raum „{room}“ zu zeigen, damit andere die Antwort finden. Dort heißt sie:", "{name} pide mostrar esta conversación en la sala pública «{room}», para que otros encuentren la respuesta. Allí se llama:", "{name} 请求在公开聊天室“{room}”中展示此对话，以便他人找到答案。标题为：", "{name} يطلب عرض هذه المحادثة في الغرفة العامة «{room}» ليجد الآخرون الجواب. عنوانها هناك:"];
export const retoldShown: Words = ["Everybody can then read what you and our team wrote here.", "Tout le monde pourra alors lire ce que vous et notre équipe avez écrit ici.", "Alle können dann lesen, was Sie und unser Team hier geschrieben haben.", "Todos podrán leer lo que tú y nuestro equipo escribisteis aquí.", "届时所有人都能看到您和我们团队在此写下的内容。", "سيتمكن الجميع من قراءة ما كتبته أنت وفريقنا هنا."];
export const retoldHidden: Words = ["Not shown are your e-mail address, files and pictures, what was removed, and the pages that you were on. Should you have written such things in a message, say no.", "Ne sont pas montrés : votre adresse e-mail, les fichiers et images, ce qui a été supprimé et les pages que vous avez vues. Si un message contient de telles choses, dites non.", "Nicht gezeigt werden Ihre E-Mail-Adresse, Dateien und Bilder, Entferntes und die Seiten, auf denen Sie waren. Haben Sie so etwas in eine Nachricht geschrieben, sagen Sie Nein.", "No se muestran tu correo electrónico, los archivos e imágenes, lo eliminado ni las páginas que viste. Si escribiste algo así en un mensaje, di que no.", "不会展示您的邮箱、文件和图片、已删除的内容以及您浏览过的页面。如果您在消息中写过此类内容，请选择否。", "لا يظهر بريدك الإلكتروني ولا الملفات والصور ولا ما أُزيل ولا الصفحات التي زرتها. إن كتبت شيئًا من ذلك في رسالة فقل لا."];
export const showName: Words = ["Show my name, {name}, too", "Montrer aussi mon nom, {name}", "Auch meinen Namen zeigen: {name}", "Mostrar también mi nombre, {name}", "同时展示我的名字：{name}", "أظهر اسمي أيضًا: {name}"];
export const mayShow: Words = ["Yes, show it", "Oui, la montrer", "Ja, zeigen", "Sí, mostrarla", "好，可以展示", "نعم، اعرضها"];
export const mayNotShow: Words = ["No", "Non", "Nein", "No", "否", "لا"];
export const staysHere: Words = ["It stays between us.", "Elle reste entre nous.", "Sie bleibt unter uns.", "Se queda entre nosotros.", "此对话不会公开。", "تبقى بيننا."];
export const retoldIn: Words = ["Everybody can read this conversation in “{room}”.", "Tout le monde peut lire cette conversation dans « {room} ».", "Alle können diese Unterhaltung in „{room}“ lesen.", "Todos pueden leer esta conversación en «{room}».", "所有人都可以在“{room}”中阅读此对话。", "يمكن للجميع قراءة هذه المحادثة في «{room}»."];

// The window.
export const closeChat: Words = ["Close the chat", "Fermer la discussion", "Chat schließen", "Cerrar el chat", "关闭聊天", "إغلاق المحادثة"];
export const popOut: Words = ["Open in a window of its own", "Ouvrir dans une fenêtre à part", "In eigenem Fenster öffnen", "Abrir en una ventana aparte", "在独立窗口中打开", "فتح في نافذة مستقلة"];
export const alone: Words = ["This is the chat of {name}. Open it from their website.", "Voici la discussion de {name}. Ouvrez-la depuis leur site.", "Dies ist der Chat von {name}. Öffnen Sie ihn auf deren Website.", "Este es el chat de {name}. Ábrelo desde su sitio web.", "这是 {name} 的聊天窗口。请从其网站打开。", "هذه محادثة {name}. افتحها من موقعهم."];

// What went wrong, and how to go on.
export const offline: Words = ["You are offline. What you write is sent once you are back.", "Vous êtes hors ligne. Vos messages partiront à votre retour.", "Sie sind offline. Was Sie schreiben, wird gesendet, sobald Sie wieder da sind.", "Estás sin conexión. Lo que escribas se enviará cuando vuelvas.", "您已离线。恢复连接后会自动发送。", "أنت غير متصل. يُرسل ما تكتبه عند عودتك."];
export const lost: Words = ["The connection is lost. Trying again…", "La connexion est perdue. Nouvelle tentative…", "Die Verbindung ist unterbrochen. Neuer Versuch…", "Se perdió la conexión. Reintentando…", "连接已断开，正在重试…", "انقطع الاتصال. تجري المحاولة مجددًا…"];
export const tooMuch: Words = ["That was a lot at once. It goes on in {seconds} s.", "C’était beaucoup à la fois. La suite dans {seconds} s.", "Das war viel auf einmal. Weiter in {seconds} s.", "Fue mucho a la vez. Sigue en {seconds} s.", "操作过于频繁，{seconds} 秒后继续。", "كان ذلك كثيرًا دفعة واحدة. تُتابع بعد {seconds} ث."];
export const tooLong: Words = ["This is too long: {bytes} bytes, and at most {max} fit.", "C’est trop long : {bytes} octets, et {max} au plus.", "Das ist zu lang: {bytes} Byte, und höchstens {max} passen.", "Es demasiado largo: {bytes} bytes, y caben {max} como máximo.", "内容太长：{bytes} 字节，最多 {max} 字节。", "هذا طويل جدًا: {bytes} بايت، والحد الأقصى {max}."];
export const gone: Words = ["The earlier conversation is no longer there. What you write begins a new one.", "La conversation précédente n’existe plus. Votre message en ouvre une nouvelle.", "Die frühere Unterhaltung gibt es nicht mehr. Was Sie schreiben, beginnt eine neue.", "La conversación anterior ya no existe. Lo que escribas abre una nueva.", "之前的对话已不存在。您发送的消息将开始新的对话。", "لم تعد المحادثة السابقة موجودة. ما تكتبه يبدأ محادثة جديدة."];
export const off: Words = ["The chat is closed right now. Please come back later.", "La discussion est fermée pour le moment. Revenez plus tard.", "Der Chat ist gerade geschlossen. Bitte kommen Sie später wieder.", "El chat está cerrado ahora. Vuelve más tarde.", "聊天暂时关闭，请稍后再来。", "المحادثة مغلقة الآن. يُرجى العودة لاحقًا."];
export const unreachable: Words = ["The server cannot be reached right now. Try again in a moment.", "Le serveur est injoignable pour le moment. Réessayez dans un instant.", "Der Server ist gerade nicht erreichbar. Versuchen Sie es gleich noch einmal.", "No se puede contactar con el servidor. Inténtalo en un momento.", "暂时无法连接服务器，请稍后再试。", "يتعذر الوصول إلى الخادم الآن. حاول بعد قليل."];
export const refused: Words = ["This was not taken ({code}). Change it, or try again.", "Ceci n’a pas été accepté ({code}). Modifiez-le, ou réessayez.", "Das wurde nicht angenommen ({code}). Ändern Sie es, oder versuchen Sie es noch einmal.", "No se aceptó ({code}). Cámbialo o inténtalo de nuevo.", "未被接受（{code}）。请修改或重试。", "لم يُقبل هذا ({code}). عدّله أو حاول مجددًا."];
