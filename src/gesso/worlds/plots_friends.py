"""Plots about making friends and keeping them."""

from gesso.worlds.beats import Plot, beat, maybe

SAYING_SORRY = Plot(
    name="saying_sorry",
    theme="saying sorry",
    things="breaks",
    places="outdoors",
    beats=(
        beat(
            "{His} best friend was {Friend}, and they did everything together.",
            "{He} had a good friend named {Friend}.",
        ),
        beat(
            "{One} {weather} day, the two friends met {at_place}.",
            "{One} {weather} day, they went {to_place} to play.",
        ),
        maybe("{Sky}"),
        beat(
            "{Friend} had {an_obj} and was very proud of it.",
            '"Look what I have!" said {Friend}, and {fhe} showed {him} {an_obj}.',
        ),
        beat(
            "{Hero} wanted to hold it, so {he} pulled at the {noun}.",
            '"Let me have it!" said {Hero}, and {he} grabbed the {obj}.',
        ),
        beat(
            "Crack! The {noun} fell to the ground and broke.",
            "The {obj} slipped and fell. Now it was broken.",
        ),
        beat(
            '"You broke my {noun}!" cried {Friend}, and {fhe} ran home.',
            "{Friend} began to cry and picked up the pieces. Then {fhe} went home.",
        ),
        beat(
            "{Hero} stood there all alone. {He} had a bad feeling in {his} belly.",
            "{Hero} went home too, and {he} did not want to eat or play.",
        ),
        beat(
            '"What is the matter?" asked {Elder}, and {Hero} told the whole story.',
            "{He} told {Elder} what had happened.",
        ),
        beat(
            '"You cannot undo it, but you can say sorry and help," said {Elder}.',
            '"Everyone makes mistakes," said {Elder}. "What can you do to make it better?"',
        ),
        beat(
            "So {Hero} took some glue and went to see {Friend}.",
            "{Hero} thought about it. Then {he} got the glue and ran to {Friend}.",
        ),
        beat(
            '"I am sorry that I broke your {noun}," said {Hero}. "May I help you mend it?"',
            '"I am very sorry," said {Hero}. "I should have asked. Let us fix the {noun} together."',
        ),
        beat(
            "They sat side by side and put the {obj} back together.",
            "It took a long time, but in the end the {obj} was as good as new.",
        ),
        beat(
            '{Friend} smiled. "I am not angry anymore," {fhe} said.',
            '"Thank you for coming," said {Friend}, and they were friends again.',
        ),
    ),
)

SHY_FRIEND = Plot(
    name="shy_friend",
    theme="a shy new friend",
    things="toy",
    places="flat",
    starts_friendship=True,
    beats=(
        beat(
            "{One} {weather} day, {Hero} was playing {at_place} with {his} {obj}.",
            "{One} {weather} day, {Hero} took {his} {obj} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} saw {a_fkind} behind a tree.",
            "Behind a tree stood {a_fkind} and looked at {him}.",
        ),
        beat(
            '"Hello! What is your name?" asked {Hero}.',
            '"Hi! Do you want to play?" asked {Hero}.',
        ),
        beat(
            "But there was no answer, only a quick step back behind the tree.",
            "There was no answer. Someone was very shy.",
        ),
        beat(
            "{Hero} thought for a moment. Then {he} had an idea.",
            '"I was shy once too," thought {Hero}.',
        ),
        beat(
            "{He} put the {obj} in the grass and took three steps back.",
            "{He} sat down in the grass with the {noun} and waited.",
        ),
        beat(
            "It was quiet for a long time.",
            "A minute went by, and then one more.",
        ),
        maybe("A butterfly flew by.", "{Hero} hummed a little song."),
        beat(
            "Then two feet came closer, and someone touched the {noun}.",
            "At last, someone came out and looked at the {obj}.",
        ),
        beat(
            '"I am {Friend}," said a soft voice. "I like your {noun}."',
            '"My name is {Friend}," said a tiny voice. "I am new here."',
        ),
        beat(
            '"I am {Hero}," said {Hero}. "Shall we play together?"',
            '"I am so glad to meet you, {Friend}," said {Hero}. "You can play first."',
        ),
        beat(
            "{Friend} smiled a little, and then {fhe} smiled a lot.",
            "{Friend} took the {obj}, and {fhis} face lit up.",
        ),
        beat(
            "They played and talked, and soon {Friend} was not shy at all.",
            "Soon the two were running and laughing as if they had always been friends.",
        ),
        beat(
            '"Will you come back {to_place} tomorrow?" asked {Friend}. "Yes!" said {Hero}.',
            '"You are my first friend here," said {Friend}, and they both smiled.',
        ),
    ),
)

SURPRISE_PARTY = Plot(
    name="surprise_party",
    theme="a surprise party",
    things="baked",
    places="trees",
    beats=(
        beat(
            "It was {his} birthday, but nobody said a word about it.",
            "{One} {weather} day, {Hero} woke up and remembered that it was {his} birthday.",
        ),
        beat(
            "{He} waited for {an_obj}, but there was no {noun} on the table.",
            "Every year there was {an_obj}, but today the table was empty.",
        ),
        beat(
            '"Good morning, {Elder}! Do you know what day it is?" asked {Hero}.',
            '"Is today a special day?" {he} asked {Elder}.',
        ),
        beat(
            '"It is just a normal day," said {Elder} and looked away.',
            '"I do not think so," said {Elder} with a little smile.',
        ),
        beat(
            "{Hero} felt sad and went to see {his} friend {Friend}, but {Friend} was not at home.",
            "Then {he} ran to {his} friend {Friend}, but nobody opened the door.",
        ),
        beat(
            '"Everyone has forgotten me," said {Hero}.',
            '"Nobody remembers my birthday," {he} said, and {he} walked home slowly.',
        ),
        beat(
            '"Come with me, {Hero}. I need your help {at_place}," said {Elder}.',
            "In the afternoon, {Elder} asked {Hero} to come along {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} did not want to go, but {he} went anyway.",
            "{Hero} looked at {his} feet all the way.",
        ),
        beat(
            '"Surprise!" shouted many voices, and {Friend} jumped out from behind a tree.',
            'When they got there, {Friend} and all the others jumped up. "Surprise!" they shouted.',
        ),
        beat(
            "There were lights in the trees, and on a table stood {an_obj}.",
            "{Friend} was holding {an_obj} with candles on top.",
        ),
        beat(
            '"We made the {noun} for you," said {Friend}. "Happy birthday, {Hero}!"',
            '"Happy birthday!" said {Friend}. "Did you really think that we forgot?"',
        ),
        beat(
            "{Hero} did not know what to say. {He} laughed and cried at the same time.",
            "{His} eyes were wet, but {he} was laughing.",
        ),
        beat(
            "They ate the {obj}, danced and sang {at_place} until it was dark.",
            "Everyone got a piece of the {obj}, and {Hero} got the biggest one.",
        ),
    ),
)

PROMISE = Plot(
    name="promise",
    theme="keeping a promise",
    things="gift",
    places="outdoors",
    beats=(
        beat(
            "{One} day, {his} friend {Friend} had to go away for a week.",
            "{One} day, {Friend} came to {him} with a bag on {fhis} back.",
        ),
        beat(
            '"Please take care of my {obj} while I am gone," said {Friend}.',
            '"I am going on a trip," said {Friend}. "Can you watch over my {obj}?"',
        ),
        beat(
            '"I promise," said {Hero}, and {he} took the {noun}.',
            '"Yes, I promise to keep the {noun} safe," said {Hero}.',
        ),
        beat(
            "{He} put the {obj} next to {his} bed and looked at it each night.",
            "Every morning, {Hero} made sure that the {noun} was clean and dry.",
        ),
        beat(
            "Then, on a {weather} day, {Elder} wanted to go {to_place} with {him}.",
            "On a {weather} day, {Elder} asked {him} to come along {to_place}.",
        ),
        maybe(
            "{Hero} took the {obj} too, so that it was not alone.",
            '"I will take the {noun} along, so that I can watch it," said {Hero}.',
        ),
        maybe("{Sky}"),
        beat(
            "They had a lot of fun. On the way home, {he} saw that the {noun} was not in {his} bag.",
            "{Hero} had the {noun} in {his} bag. But when it was time to go, it was not there!",
        ),
        beat(
            '"I must go back," said {Hero}. "I gave my word."',
            '"The {obj} is gone! I have to find it," said {Hero}. "I promised."',
        ),
        beat(
            "{He} was tired, and it was getting late, but {he} walked all the way back.",
            "{His} legs were tired, but {he} turned around and ran back.",
        ),
        beat(
            "There, in the soft light, lay the {obj}.",
            "{He} looked and looked, and there it was. The {noun} lay in the grass.",
        ),
        beat(
            "When {Friend} came home, {Hero} gave the {noun} back.",
            "A few days later, {Friend} was back, and {Hero} brought {fhim} the {obj}.",
        ),
        beat(
            '"It looks just like new," said {Friend}. "I knew that I could trust you."',
            '"You kept your promise! Thank you," said {Friend}.',
        ),
        beat(
            "{Hero} stood very tall. A promise is a promise.",
            "{Hero} was proud, and the two friends sat together for a long time.",
        ),
    ),
)

SICK_FRIEND = Plot(
    name="sick_friend",
    theme="a friend who is sick",
    things="book",
    places="outdoors",
    beats=(
        beat(
            "{One} {weather} day, {Hero} waited for {his} friend {Friend} {at_place}.",
            "{One} {weather} day, {Hero} went {to_place} to meet {his} friend {Friend}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} waited and waited, but {Friend} did not come.",
            "But {Friend} was not there, and {Hero} did not know why.",
        ),
        beat(
            '"{Friend} is sick in bed today," said {Elder}.',
            'So {he} asked {Elder}. "{Friend} is sick and must stay in bed," said {Elder}.',
        ),
        beat(
            "{Hero} thought about how to make {Friend} happy.",
            '"It is no fun to be sick. I will cheer {Friend} up," said {Hero}.',
        ),
        beat(
            "{He} took {his} {obj} from the shelf. It was full of funny stories.",
            "At home, {he} had {an_obj} with stories and pictures in it.",
        ),
        beat(
            "{Hero} put the {noun} under {his} arm and went to see {Friend}.",
            "With the {obj} in {his} bag, {he} knocked on the door.",
        ),
        beat(
            "{Friend} lay in bed, and {fhis} nose was red.",
            "{Friend} was in bed and looked very pale.",
        ),
        beat(
            '"I feel bad, and I am so bored," said {Friend}.',
            '"I wanted to play with you," said {Friend} in a weak voice.',
        ),
        beat(
            '"Then I will read to you," said {Hero}, and {he} opened the {noun}.',
            '"Look, I brought my {obj}!" said {Hero}. "Let us read a story."',
        ),
        beat(
            "{He} read about a dragon who was afraid of mice.",
            "{He} read about a king who could not find his shoes.",
        ),
        beat(
            "{Friend} laughed so much that {fhe} forgot to be sick.",
            "{Friend} listened, and soon {fhe} began to giggle.",
        ),
        maybe('"One more, please!" said {Friend}.', "So they read one story after another."),
        beat(
            "When the {noun} was finished, {Friend} felt much better.",
            "At the last page of the {obj}, {Friend} had a smile on {fhis} face.",
        ),
        beat(
            "A few days later, the two friends were {at_place} again.",
            '"You are the best medicine," said {Friend}. Soon they could play {at_place} again.',
        ),
    ),
)

MUSIC = Plot(
    name="music",
    theme="music",
    things="music",
    places="outdoors",
    beats=(
        beat(
            "{One} {weather} day, {he} got {an_obj} from {Elder}.",
            "{Elder} gave {him} {an_obj} {one} {weather} day.",
        ),
        beat(
            "{Hero} wanted to play it right away, but it made a terrible sound.",
            "{He} tried to play a song on the {noun}, but it was too loud and not at all pretty.",
        ),
        beat(
            '"Please, not in the house!" said {Elder}, and covered both ears.',
            "The birds flew away from the window, and {Elder} closed the door.",
        ),
        beat(
            "So {Hero} took the {obj} {to_place}.",
            "So {he} went {to_place}, where nobody could hear the {noun}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} played a little every day. It was hard, but {he} did not stop.",
            "Each day, {he} went back and tried again.",
        ),
        beat(
            "Slowly, the {noun} began to sound better.",
            "First {he} could play three notes, and then four, and then five.",
        ),
        beat(
            "One day, {he} saw {Friend} behind a bush.",
            "One day, {Friend} came by and stopped to listen.",
        ),
        beat(
            '"Please go on," said {Friend}. "Your {noun} sounds like rain and sun."',
            '"What a nice song! Can I sing with you?" asked {Friend}.',
        ),
        beat(
            '{Hero} turned red. "I am not very good yet," {he} said.',
            '"I am still learning," said {Hero}, and {he} looked at the {obj}.',
        ),
        beat(
            '"You play, and I will sing," said {Friend}, and so they did.',
            "But {Friend} began to sing, and {Hero} played along.",
        ),
        beat(
            "Together it sounded wonderful. Even the birds came back.",
            "The song of the {noun} and the song of {Friend} went well together.",
        ),
        maybe("A squirrel in a tree began to dance.", "The wind carried the song far away."),
        beat(
            "That Sunday, they gave a concert {at_place}.",
            '"Let us play for everyone!" said {Friend}. So they asked all their friends to come {to_place}.',
        ),
        beat(
            "{Hero} was nervous, but {Friend} smiled at {him}, and {he} played.",
            "{Hero} held the {obj} tight, counted to three and began.",
        ),
        beat(
            "Everyone clapped, and {Elder} clapped the loudest of all.",
            '"More! More!" called {Elder}, and they played the song again.',
        ),
    ),
)

PLOTS_FRIENDS = (SAYING_SORRY, SHY_FRIEND, SURPRISE_PARTY, PROMISE, SICK_FRIEND, MUSIC)
